//! The permission table: for every endpoint, who may call it. Enforced in one place ([`super::guard`]); an endpoint
//! without a row is refused to everybody, and a test fails for it.

use skypicket_model::Role;
use std::collections::BTreeSet;

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody needs to be signed in.
    Anyone,
    /// Everybody who is signed in; what they see is cut to what they may.
    SignedIn,
    /// One of these roles.
    Roles(&'static [Role]),
    /// A source with its token.
    Source,
    /// A partner's system with its token.
    Partner,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// `GET`, `POST` …
    pub method: &'static str,
    /// Path with its parameters in braces.
    pub path: &'static str,
    /// Who.
    pub who: Who,
    /// What it does, for the OpenAPI document.
    pub does: &'static str,
    /// Schema of the body taken.
    pub takes: Option<&'static str>,
    /// Status of success and schema of the body given.
    pub gives: (u16, Option<&'static str>),
}

const fn row(
    method: &'static str,
    path: &'static str,
    who: Who,
    does: &'static str,
    takes: Option<&'static str>,
    gives: (u16, Option<&'static str>),
) -> Row {
    Row { method, path, who, does, takes, gives }
}

use Role::{Administrator, Analyst, Auditor, Field, Integrator, Supervisor, Watch};
use Who::{Anyone, Partner, Roles, SignedIn, Source};

/// Works at the centre.
const CENTRE: &[Role] = &[Watch, Analyst, Auditor];
/// Sees the sky.
const SKY: &[Role] = &[Watch, Analyst, Auditor, Supervisor, Integrator];
/// Sees people: the centre all of them, a supervisor their own.
const PEOPLE: &[Role] = &[Watch, Auditor, Supervisor, Administrator];
/// Stands outside and reports.
const REPORTS: &[Role] = &[Field, Watch, Supervisor];
/// Sees everybody's position as it changes.
const EVERYBODY: &[Role] = &[Watch, Auditor];
/// Keeps the directory, or proves what stood in it.
const DIRECTORY: &[Role] = &[Administrator, Auditor];
/// Sees who should be on duty: a supervisor on their own units' rosters.
const ROSTERS: &[Role] = &[Watch, Auditor, Supervisor, Administrator];
/// Sees how sources do.
const SOURCES: &[Role] = &[Watch, Integrator, Administrator, Auditor];

/// Sees how channels do.
const CHANNELS: &[Role] = &[Watch, Supervisor, Integrator, Administrator, Auditor];

/// Knows of bulletins on their way out.
const BULLETINS: &[Role] = &[Watch, Analyst, Supervisor, Auditor];
/// Finds things by their words.
const SEARCHES: &[Role] = &[Watch, Analyst, Supervisor, Auditor];
/// Writes bulletins.
const WRITES: &[Role] = &[Watch, Analyst, Supervisor];
/// Decides about bulletins and tracks, and calls who is silent.
const DECIDES: &[Role] = &[Watch, Supervisor];

/// Sees which systems of other agencies read here.
const PARTNERS: &[Role] = &[Integrator, Administrator, Auditor];

/// Reads intelligence reports; an administrator only those that wait for a purge.
const INTELLIGENCE: &[Role] = &[Watch, Analyst, Supervisor, Auditor, Administrator];
/// Vets and reviews them.
const VETS: &[Role] = &[Analyst, Supervisor];
/// Decides that they go.
const PURGES: &[Role] = &[Auditor, Administrator];

/// Looks after the centre.
const LOOKS_AFTER: &[Role] = &[Administrator, Auditor, Integrator];

/// The table.
pub const TABLE: &[Row] = &[
    row("GET", "/healthz", Anyone, "The process runs.", None, (200, None)),
    row("GET", "/readyz", Anyone, "The record can be read and the engines answer.", None, (200, None)),
    row("GET", "/metrics", Anyone, "Counters for Prometheus; no names, no positions.", None, (200, None)),
    row("GET", "/api/v1/openapi.json", Anyone, "This document.", None, (200, None)),
    row(
        "POST",
        "/api/v1/sessions",
        Anyone,
        "Sign in: by a one-time link, a password (and a code), a passkey.",
        Some("SignIn"),
        (200, Some("SignInAnswer")),
    ),
    row("DELETE", "/api/v1/sessions/current", SignedIn, "Sign out.", None, (204, None)),
    row("GET", "/api/v1/me", SignedIn, "Who is signed in.", None, (200, Some("Me"))),
    row("PUT", "/api/v1/me/password", SignedIn, "Set the password.", Some("Password"), (204, None)),
    row("GET", "/api/v1/status", SignedIn, "How the centre does.", None, (200, Some("Status"))),
    row(
        "GET",
        "/api/v1/events",
        SignedIn,
        "What happens, as server-sent events; resume with Last-Event-ID.",
        None,
        (200, None),
    ),
    row(
        "POST",
        "/api/v1/sightings",
        Roles(REPORTS),
        "Report a drone.",
        Some("SightingReport"),
        (201, Some("SightingReceipt")),
    ),
    row(
        "GET",
        "/api/v1/sightings",
        SignedIn,
        "Sightings that you may see, newest first.",
        None,
        (200, Some("SightingPage")),
    ),
    row("GET", "/api/v1/sightings/{id}", SignedIn, "One sighting.", None, (200, Some("SightingView"))),
    row(
        "POST",
        "/api/v1/sightings/{id}/seen",
        Roles(&[Watch, Analyst, Supervisor]),
        "It is on your screen.",
        Some("Only"),
        (200, Some("SightingView")),
    ),
    row(
        "POST",
        "/api/v1/sightings/{id}/triage",
        Roles(&[Watch]),
        "Confirm, merge or dismiss.",
        Some("TriageBody"),
        (200, Some("SightingView")),
    ),
    row(
        "POST",
        "/api/v1/sightings/{id}/retraction",
        Roles(REPORTS),
        "Take your own report back.",
        Some("Only"),
        (200, Some("SightingView")),
    ),
    row("POST", "/api/v1/positions", Roles(REPORTS), "Say where you are.", Some("PositionReport"), (201, Some("Only"))),
    row(
        "POST",
        "/api/v1/observations",
        Source,
        "Observations, one JSON object a line.",
        Some("ObservationLines"),
        (202, Some("Taken")),
    ),
    row(
        "POST",
        "/api/v1/observations/{format}",
        Source,
        "What a receiver posts in its own format.",
        Some("ReceiverDocument"),
        (202, Some("Taken")),
    ),
    row("GET", "/api/v1/tracks", Roles(SKY), "Tracks as GeoJSON.", None, (200, Some("FeatureCollection"))),
    row(
        "POST",
        "/api/v1/tracks/{id}/merges",
        Roles(DECIDES),
        "Say that another track is the same thing.",
        Some("TrackMerge"),
        (200, Some("TrackDecided")),
    ),
    row(
        "POST",
        "/api/v1/tracks/{id}/splits",
        Roles(DECIDES),
        "Say that a track is two things: a source or identity gets its own.",
        Some("TrackSplit"),
        (200, Some("TrackDecided")),
    ),
    row(
        "POST",
        "/api/v1/tracks/{id}/classifications",
        Roles(DECIDES),
        "Say what a track is, or take that back.",
        Some("TrackClassify"),
        (200, Some("TrackDecided")),
    ),
    row(
        "GET",
        "/api/v1/dangers",
        SignedIn,
        "Dangers that have a level: all at the centre, else your own.",
        None,
        (200, Some("DangerList")),
    ),
    row(
        "GET",
        "/api/v1/notices",
        SignedIn,
        "Warnings that you may see, newest first.",
        None,
        (200, Some("NoticePage")),
    ),
    row("GET", "/api/v1/notices/{id}", SignedIn, "One warning with its versions.", None, (200, Some("NoticeView"))),
    row(
        "POST",
        "/api/v1/notices/{id}/versions/{v}/receipts",
        SignedIn,
        "Your device got it, or shows it.",
        Some("ReceiptBody"),
        (204, None),
    ),
    row(
        "POST",
        "/api/v1/notices/{id}/versions/{v}/acknowledgements",
        SignedIn,
        "You take it, on purpose.",
        Some("Only"),
        (201, Some("Acknowledged")),
    ),
    row("GET", "/api/v1/deliveries", Roles(CENTRE), "Deliveries, newest first.", None, (200, Some("DeliveryPage"))),
    row(
        "GET",
        "/api/v1/people",
        Roles(PEOPLE),
        "People, where they are and how they can be reached.",
        None,
        (200, Some("PeoplePage")),
    ),
    row(
        "POST",
        "/api/v1/people/{id}/sign-in-links",
        Roles(&[Administrator, Watch]),
        "Make a one-time sign-in link (a watch officer only in an exercise).",
        Some("Only"),
        (201, Some("SignInLink")),
    ),
    row(
        "GET",
        "/api/v1/sites",
        Roles(SKY),
        "Fixed places to protect, as GeoJSON.",
        None,
        (200, Some("FeatureCollection")),
    ),
    row("GET", "/api/v1/own-flights", Roles(SKY), "Own flights.", None, (200, Some("OwnFlightList"))),
    row(
        "POST",
        "/api/v1/own-flights",
        Roles(&[Watch, Supervisor]),
        "File, change or end an own flight.",
        Some("OwnFlightBody"),
        (201, Some("OwnFlight")),
    ),
    row("GET", "/api/v1/sources", Roles(SOURCES), "Sources and how they do.", None, (200, Some("SourceList"))),
    row(
        "GET",
        "/api/v1/tokens",
        Roles(&[Integrator, Administrator]),
        "API tokens of sources, without their secrets.",
        None,
        (200, Some("TokenList")),
    ),
    row(
        "POST",
        "/api/v1/tokens",
        Roles(&[Integrator, Administrator]),
        "Make an API token for a source; its secret is shown once.",
        Some("TokenBody"),
        (201, Some("Token")),
    ),
    row(
        "DELETE",
        "/api/v1/tokens/{id}",
        Roles(&[Integrator, Administrator]),
        "Revoke an API token.",
        None,
        (204, None),
    ),
    // ---- accounts ----
    row("GET", "/api/v1/sign-in", Anyone, "How one can sign in here.", None, (200, Some("SignInWays"))),
    row(
        "POST",
        "/api/v1/passkeys/challenges",
        Anyone,
        "Begin signing in with a passkey.",
        Some("Only"),
        (201, Some("PasskeyChallenge")),
    ),
    row(
        "GET",
        "/api/v1/oidc/start",
        Anyone,
        "Go to the provider of the house to sign in; `to` says which page to come back to.",
        None,
        (303, None),
    ),
    row("GET", "/api/v1/oidc/callback", Anyone, "Come back from the provider.", None, (303, None)),
    row(
        "GET",
        "/api/v1/me/sign-in",
        SignedIn,
        "How you sign in: password, second factors, sessions.",
        None,
        (200, Some("Account")),
    ),
    row(
        "POST",
        "/api/v1/me/totp",
        SignedIn,
        "Begin to set up codes as a second factor.",
        Some("Proof"),
        (201, Some("CodesBegun")),
    ),
    row(
        "PUT",
        "/api/v1/me/totp",
        SignedIn,
        "Finish that with the first code; gives the recovery codes, once.",
        Some("Code"),
        (200, Some("RecoveryCodes")),
    ),
    row("POST", "/api/v1/me/totp/removal", SignedIn, "Do without codes.", Some("Proof"), (204, None)),
    row(
        "POST",
        "/api/v1/me/recovery-codes",
        SignedIn,
        "New recovery codes; the old are void.",
        Some("Proof"),
        (201, Some("RecoveryCodes")),
    ),
    row(
        "POST",
        "/api/v1/me/passkeys/challenges",
        SignedIn,
        "Begin to add a passkey.",
        Some("Proof"),
        (201, Some("PasskeyChallenge")),
    ),
    row(
        "POST",
        "/api/v1/me/passkeys",
        SignedIn,
        "Add the passkey that the browser made.",
        Some("NewPasskey"),
        (201, Some("Passkey")),
    ),
    row("DELETE", "/api/v1/me/passkeys/{id}", SignedIn, "Remove a passkey.", None, (204, None)),
    row("GET", "/api/v1/me/sessions", SignedIn, "Where you are signed in.", None, (200, Some("SessionList"))),
    row("DELETE", "/api/v1/me/sessions", SignedIn, "Sign out everywhere but here.", None, (200, Some("Ended"))),
    row("DELETE", "/api/v1/me/sessions/{id}", SignedIn, "Sign out there.", None, (204, None)),
    row(
        "DELETE",
        "/api/v1/me/reset",
        SignedIn,
        "Refuse a reset of your sign-in that you did not ask for.",
        None,
        (204, None),
    ),
    row(
        "GET",
        "/api/v1/people/{id}/account",
        Roles(&[Administrator]),
        "How somebody signs in, and where they are signed in.",
        None,
        (200, Some("Account")),
    ),
    row(
        "DELETE",
        "/api/v1/people/{id}/sessions",
        Roles(&[Administrator]),
        "Sign somebody out everywhere.",
        None,
        (200, Some("Ended")),
    ),
    row(
        "DELETE",
        "/api/v1/people/{id}/sessions/{session}",
        Roles(&[Administrator]),
        "Sign somebody out there.",
        None,
        (204, None),
    ),
    row(
        "POST",
        "/api/v1/people/{id}/resets",
        Roles(&[Administrator]),
        "Begin the reset of somebody's sign-in: a second person confirms it.",
        Some("Only"),
        (201, Some("ResetBegun")),
    ),
    row("DELETE", "/api/v1/people/{id}/resets", Roles(&[Administrator]), "Take a reset back.", None, (204, None)),
    row(
        "POST",
        "/api/v1/people/{id}/resets/confirmation",
        SignedIn,
        "Confirm a reset (another administrator, or one who leads that person); gives the link.",
        Some("Only"),
        (201, Some("SignInLink")),
    ),
    row(
        "POST",
        "/api/v1/people/{id}/lost-phone",
        SignedIn,
        "Cut off everything of a lost phone (an administrator, a watch officer, one who leads that person, or they themselves).",
        Some("Only"),
        (200, Some("LostPhone")),
    ),
    row("GET", "/api/v1/resets", SignedIn, "Resets that wait and that you may see.", None, (200, Some("ResetList"))),
    // (end of accounts)
    // ---- people ----
    row(
        "GET",
        "/api/v1/directory",
        Roles(DIRECTORY),
        "Agencies, units with their leadership, rosters, and how many people there are.",
        None,
        (200, Some("Directory")),
    ),
    row(
        "POST",
        "/api/v1/directory",
        Roles(&[Administrator]),
        "Change agencies, units, people and rosters: all of the changes or none.",
        Some("DirectoryBody"),
        (200, Some("DirectoryDone")),
    ),
    row(
        "GET",
        "/api/v1/directory/people",
        Roles(DIRECTORY),
        "People as they are entered, without where they are; filtered, in order of id.",
        None,
        (200, Some("DirectoryPeople")),
    ),
    row(
        "GET",
        "/api/v1/directory/people/{id}",
        Roles(DIRECTORY),
        "One person as they are entered.",
        None,
        (200, Some("DirectoryPerson")),
    ),
    row(
        "POST",
        "/api/v1/directory/imports",
        Roles(&[Administrator]),
        "People from CSV text: what it would change (preview), or all of it or nothing.",
        Some("ImportBody"),
        (200, Some("ImportDone")),
    ),
    row(
        "GET",
        "/api/v1/directory.csv",
        Roles(DIRECTORY),
        "People as CSV, as the import takes them.",
        None,
        (200, Some("CsvText")),
    ),
    row(
        "GET",
        "/api/v1/rosters",
        Roles(ROSTERS),
        "Duty rosters: all of them, for a supervisor those of the units that they lead.",
        None,
        (200, Some("RosterList")),
    ),
    row(
        "POST",
        "/api/v1/rosters",
        Roles(&[Administrator, Supervisor]),
        "Write a roster, or remove one; a supervisor those of the units that they lead.",
        Some("RosterBody"),
        (200, Some("DirectoryDone")),
    ),
    // (end of people)
    // ---- audit ----
    row(
        "GET",
        "/api/v1/audit",
        Roles(&[Auditor]),
        "Who read what, and what was done about who may, newest first; person, about, deed, from and until narrow it.",
        None,
        (200, Some("AuditPage")),
    ),
    row(
        "GET",
        "/api/v1/me/reads",
        SignedIn,
        "Who was shown where you are, newest first.",
        None,
        (200, Some("ReadsOfMePage")),
    ),
    // (end of audit)
    // ---- alarms ----
    row(
        "GET",
        "/api/v1/alarms",
        Roles(CENTRE),
        "Open alarms and who has each in hand; the last shift change.",
        None,
        (200, Some("AlarmList")),
    ),
    row(
        "POST",
        "/api/v1/alarms/take",
        Roles(&[Watch]),
        "Take alarms in hand, and acknowledge those that you owe.",
        Some("AlarmTake"),
        (200, Some("AlarmList")),
    ),
    row(
        "POST",
        "/api/v1/alarms/hand-back",
        Roles(&[Watch]),
        "Hand alarms back to the watch.",
        Some("AlarmHandBack"),
        (200, Some("AlarmList")),
    ),
    row(
        "POST",
        "/api/v1/alarms/take-over",
        Roles(&[Watch]),
        "Shift change: take over all that another has in hand.",
        Some("AlarmTakeOver"),
        (200, Some("AlarmList")),
    ),
    row(
        "POST",
        "/api/v1/alarms/shelve",
        Roles(&[Watch]),
        "Put alarms aside for a set time; not those that one reported oneself.",
        Some("AlarmShelve"),
        (200, Some("AlarmList")),
    ),
    row(
        "POST",
        "/api/v1/alarms/unshelve",
        Roles(&[Watch]),
        "End that before its time.",
        Some("AlarmUnshelve"),
        (200, Some("AlarmList")),
    ),
    row(
        "GET",
        "/api/v1/alarms/figures",
        Roles(&[Watch, Analyst, Auditor, Supervisor]),
        "How often alarms interrupt whom, how fast they are taken, what stands, is shelved or is stale.",
        None,
        (200, Some("AlarmFigures")),
    ),
    // (end of alarms)
    // ---- bulletins ----
    row(
        "GET",
        "/api/v1/bulletins",
        Roles(BULLETINS),
        "Bulletins that you may see: those that wait, in force, and not long over.",
        None,
        (200, Some("BulletinPage")),
    ),
    row(
        "POST",
        "/api/v1/bulletins",
        Roles(WRITES),
        "Propose a bulletin, or keep a draft of one; the id is the bulletin's too.",
        Some("BulletinPropose"),
        (201, Some("Bulletin")),
    ),
    row(
        "POST",
        "/api/v1/bulletins/preview",
        Roles(WRITES),
        "Whom it would go to, and whom it would not reach; changes nothing.",
        Some("BulletinPreviewBody"),
        (200, Some("BulletinPreview")),
    ),
    row("GET", "/api/v1/bulletins/{id}", Roles(BULLETINS), "One bulletin.", None, (200, Some("Bulletin"))),
    row(
        "POST",
        "/api/v1/bulletins/{id}/drafts",
        Roles(WRITES),
        "Write on at a draft; what another wrote since is not overwritten.",
        Some("BulletinDraft"),
        (200, Some("Bulletin")),
    ),
    row(
        "POST",
        "/api/v1/bulletins/{id}/submissions",
        Roles(WRITES),
        "Ask a second person to issue the draft, as you read it.",
        Some("BulletinSubmit"),
        (200, Some("Bulletin")),
    ),
    row(
        "POST",
        "/api/v1/bulletins/{id}/comments",
        Roles(WRITES),
        "Say something about it to the others at the centre.",
        Some("BulletinComment"),
        (201, Some("Bulletin")),
    ),
    row(
        "POST",
        "/api/v1/bulletins/{id}/returns",
        Roles(DECIDES),
        "Send what waits back to its author.",
        Some("BulletinWhy"),
        (200, Some("Bulletin")),
    ),
    row(
        "POST",
        "/api/v1/bulletins/{id}/corrections",
        Roles(WRITES),
        "Propose a newer version; what is in force stays so until another person approves.",
        Some("BulletinCorrect"),
        (201, Some("Bulletin")),
    ),
    row(
        "POST",
        "/api/v1/bulletins/{id}/approvals",
        Roles(DECIDES),
        "As a second person: issue what waits, as you read it, also without having seen all that it rests on.",
        Some("BulletinApprove"),
        (200, Some("Bulletin")),
    ),
    row(
        "POST",
        "/api/v1/bulletins/{id}/break-glass",
        Roles(DECIDES),
        "Issue what waits without a second person; the reason is shown to everybody who gets it.",
        Some("BulletinWhy"),
        (200, Some("Bulletin")),
    ),
    row(
        "POST",
        "/api/v1/bulletins/{id}/withdrawals",
        Roles(WRITES),
        "Take back what waits.",
        Some("BulletinWhy"),
        (200, Some("Bulletin")),
    ),
    row(
        "POST",
        "/api/v1/bulletins/{id}/recalls",
        Roles(DECIDES),
        "Recall what is in force, everywhere, now.",
        Some("BulletinWhy"),
        (200, Some("Bulletin")),
    ),
    row(
        "GET",
        "/api/v1/me/subscriptions",
        SignedIn,
        "What you asked to be told of, besides what concerns you.",
        None,
        (200, Some("SubscriptionList")),
    ),
    row(
        "PUT",
        "/api/v1/me/subscriptions",
        SignedIn,
        "Ask to be told of what is this bad, there; all that you ask for.",
        Some("SubscriptionList"),
        (200, Some("SubscriptionList")),
    ),
    // (end of bulletins)
    // ---- search ----
    row(
        "GET",
        "/api/v1/search",
        Roles(SEARCHES),
        "Sightings, reports, bulletins and warnings that you may see, by words (q), kind, place (near, within_m), time (from, until) and grade.",
        None,
        (200, Some("SearchPage")),
    ),
    row(
        "GET",
        "/api/v1/searches",
        Roles(SEARCHES),
        "The searches that you keep, and how much of each is unread.",
        None,
        (200, Some("SavedSearchList")),
    ),
    row(
        "POST",
        "/api/v1/searches",
        Roles(SEARCHES),
        "Keep a search, or change one of yours.",
        Some("SaveSearch"),
        (201, Some("SavedSearch")),
    ),
    row("DELETE", "/api/v1/searches/{id}", Roles(SEARCHES), "Drop one of your searches.", None, (204, None)),
    row(
        "GET",
        "/api/v1/searches/{id}/hits",
        Roles(SEARCHES),
        "What fits one of your searches, since an entry; without what you wrote yourself.",
        None,
        (200, Some("SearchPage")),
    ),
    row(
        "PUT",
        "/api/v1/searches/{id}/read",
        Roles(SEARCHES),
        "You have read what is new for it up to here.",
        Some("SearchRead"),
        (200, Some("SavedSearch")),
    ),
    // (end of search)
    // ---- intelligence ----
    row(
        "GET",
        "/api/v1/intelligence",
        Roles(INTELLIGENCE),
        "Intelligence reports that you may see (an administrator: those whose purge is asked for or due); step and due narrow it.",
        None,
        (200, Some("ReportPage")),
    ),
    row(
        "POST",
        "/api/v1/intelligence",
        Roles(WRITES),
        "File an intelligence report; the id is the report's too.",
        Some("ReportFile"),
        (201, Some("Report")),
    ),
    row(
        "GET",
        "/api/v1/intelligence/choices",
        Roles(WRITES),
        "What you can name in a report: agencies, and supervisors who can be asked to approve what it says about an individual.",
        None,
        (200, Some("ReportChoices")),
    ),
    row(
        "GET",
        "/api/v1/intelligence/{id}",
        Roles(INTELLIGENCE),
        "One report, with its history, what it links and what rests on it.",
        None,
        (200, Some("Report")),
    ),
    row(
        "POST",
        "/api/v1/intelligence/{id}/versions",
        Roles(WRITES),
        "Change what a report says, or its grade; a change of what it says asks for vetting again.",
        Some("ReportChange"),
        (201, Some("Report")),
    ),
    row(
        "POST",
        "/api/v1/intelligence/{id}/vettings",
        Roles(VETS),
        "As a second person: it fits what may be kept.",
        Some("ReportRead"),
        (200, Some("Report")),
    ),
    row(
        "POST",
        "/api/v1/intelligence/{id}/individual-approvals",
        Roles(&[Supervisor]),
        "As the supervisor who is named: what it says about an individual may be kept.",
        Some("ReportRead"),
        (200, Some("Report")),
    ),
    row(
        "POST",
        "/api/v1/intelligence/{id}/reviews",
        Roles(VETS),
        "Looked at again and still needed: new dates.",
        Some("ReportReview"),
        (200, Some("Report")),
    ),
    row(
        "POST",
        "/api/v1/intelligence/{id}/purge-requests",
        Roles(BULLETINS),
        "Ask that a report be purged.",
        Some("ReportWhy"),
        (200, Some("Report")),
    ),
    row(
        "POST",
        "/api/v1/intelligence/{id}/purges",
        Roles(PURGES),
        "As a second person: purge it, or let it go because its time is over.",
        Some("ReportWhy"),
        (200, Some("Report")),
    ),
    // (end of intelligence)
    // ---- renderings ----
    row(
        "GET",
        "/api/v1/notices/{id}/versions/{v}/renderings/{name}",
        SignedIn,
        "A version of a bulletin as page.txt, bulletin.pdf, alert.xml, tak.zip, chat.txt, mail.txt, push.txt, sms-90.txt or sms-360.txt; ?lang=en|es, ?paper=a4|letter.",
        None,
        (200, None),
    ),
    row(
        "POST",
        "/api/v1/bulletins/preview/renderings",
        Roles(WRITES),
        "What a bulletin would look like on every channel, in both languages, marked as a draft; changes nothing.",
        Some("BulletinRenderingsBody"),
        (200, Some("BulletinRenderings")),
    ),
    // (end of renderings)

    // ---- library ----
    row(
        "GET",
        "/api/v1/library",
        Roles(BULLETINS),
        "What bulletins are written from: templates, measures, agencies' wording; those for this centre, live or exercise.",
        None,
        (200, Some("Library")),
    ),
    row(
        "POST",
        "/api/v1/library/drafts",
        Roles(WRITES),
        "A template, filled in; changes nothing.",
        Some("LibraryDraftBody"),
        (200, Some("LibraryDraft")),
    ),
    // (end of library)
    // ---- board ----
    row(
        "GET",
        "/api/v1/notices/{id}/board",
        Roles(BULLETINS),
        "Who has a notice and who has not, by agency and unit (a supervisor: of a warning only those whom they lead).",
        None,
        (200, Some("Board")),
    ),
    row(
        "GET",
        "/api/v1/notices/{id}/recipients",
        Roles(BULLETINS),
        "The same person by person, who needs somebody first; state, agency, unit, done, not_done and q narrow it.",
        None,
        (200, Some("BoardLinePage")),
    ),
    row(
        "GET",
        "/api/v1/notices/{id}/export",
        Roles(BULLETINS),
        "The dissemination log, for the record: who, which version, by which rule, what was tried, what came of it and what they did; format is csv or jsonl (a supervisor: of a warning only those whom they lead).",
        None,
        (200, None),
    ),
    row(
        "POST",
        "/api/v1/notices/{id}/versions/{v}/measures",
        SignedIn,
        "Say which measures of a bulletin's checklist you have done; the whole list each time.",
        Some("MeasuresBody"),
        (200, Some("MeasuresDone")),
    ),
    row(
        "POST",
        "/api/v1/notices/{id}/versions/{v}/calls",
        Roles(DECIDES),
        "Say for somebody what came of a call, under your own name (a supervisor for those whom they lead).",
        Some("CallBody"),
        (201, Some("BoardLine")),
    ),
    // (end of board)
    // ---- machines ----
    row(
        "GET",
        "/api/v1/machines",
        Roles(&[Integrator, Administrator, Auditor]),
        "Sources with their health, tokens and certificates; TAK clients' certificates for administrator and auditor.",
        None,
        (200, Some("MachineList")),
    ),
    row(
        "POST",
        "/api/v1/sources/{id}/certificates",
        Roles(&[Integrator, Administrator]),
        "Make a client certificate for a source; its key is given out once.",
        Some("CertificateBody"),
        (201, Some("CertificateMade")),
    ),
    row(
        "DELETE",
        "/api/v1/certificates/{serial}",
        Roles(&[Integrator, Administrator]),
        "Revoke a client certificate and cut its connections; a person's only as administrator.",
        None,
        (204, None),
    ),
    row(
        "DELETE",
        "/api/v1/people/{id}/certificates",
        Roles(&[Administrator]),
        "Revoke every certificate of a person's TAK clients and cut their connections; how many there were.",
        None,
        (200, Some("Revoked")),
    ),
    row(
        "POST",
        "/api/v1/people/{id}/tak-packages",
        Roles(&[Administrator]),
        "Make a data package that sets up a person's TAK client; its key is given out once.",
        Some("TakPackageBody"),
        (201, Some("TakPackage")),
    ),
    // (end of machines)
    // ---- upkeep ----
    row(
        "GET",
        "/api/v1/doctor",
        Roles(LOOKS_AFTER),
        "What is wrong with the centre, and what to do.",
        None,
        (200, Some("Doctor")),
    ),
    row(
        "GET",
        "/api/v1/upkeep",
        Roles(&[Administrator, Auditor]),
        "Backups that were made, what was purged, and what is due.",
        None,
        (200, Some("Upkeep")),
    ),
    row(
        "POST",
        "/api/v1/upkeep/purge",
        Roles(&[Administrator]),
        "Purge what is older than it may be, now.",
        Some("Only"),
        (200, Some("PurgeDone")),
    ),
    row(
        "POST",
        "/api/v1/upkeep/backups",
        Roles(&[Administrator]),
        "Write down that a backup was made (the command that made it says so).",
        Some("BackupMade"),
        (201, Some("Only")),
    ),
    // (end of upkeep)
    // ---- enrolment ----
    row("GET", "/trust", Anyone, "How to trust this centre, as a page.", None, (200, None)),
    row("GET", "/trust/trust.css", Anyone, "Its style.", None, (200, None)),
    row("GET", "/trust/ca.crt", Anyone, "The centre's own authority: its certificate, PEM.", None, (200, None)),
    row(
        "GET",
        "/trust/skypicket.mobileconfig",
        Anyone,
        "The centre's own authority as a profile for iOS (not signed).",
        None,
        (200, None),
    ),
    row(
        "GET",
        "/api/v1/trust",
        SignedIn,
        "By what the centre is known, and where phones reach it.",
        None,
        (200, Some("Trust")),
    ),
    row(
        "POST",
        "/api/v1/people/{id}/enrolments",
        Roles(&[Administrator, Watch]),
        "Make the two codes that enrol a phone (a watch officer only in an exercise).",
        Some("EnrolmentBody"),
        (201, Some("Enrolment")),
    ),
    row(
        "GET",
        "/api/v1/people/{id}/enrolments/{link}",
        Roles(&[Administrator, Watch]),
        "The link of an enrolment still waits; 404 once it was used, cancelled or has ended.",
        None,
        (200, Some("EnrolmentState")),
    ),
    row(
        "DELETE",
        "/api/v1/people/{id}/enrolments/{link}",
        Roles(&[Administrator, Watch]),
        "Cancel the link of an enrolment.",
        None,
        (204, None),
    ),
    // (end of enrolment)
    // ---- push ----
    row(
        "GET",
        "/api/v1/push",
        SignedIn,
        "The key to subscribe with, and your own phones that get push.",
        None,
        (200, Some("Push")),
    ),
    row(
        "POST",
        "/api/v1/push/subscriptions",
        SignedIn,
        "Have this phone get warnings by push, too.",
        Some("PushSubscription"),
        (201, Some("PushDevice")),
    ),
    row("DELETE", "/api/v1/push/subscriptions/{id}", SignedIn, "Take a phone of yours off push.", None, (204, None)),
    row(
        "POST",
        "/api/v1/push/test",
        SignedIn,
        "Send a test to your own phones.",
        Some("Only"),
        (202, Some("PushTested")),
    ),
    // (end of push)
    // ---- channels ----
    row(
        "GET",
        "/api/v1/channels",
        Roles(CHANNELS),
        "How each way to people does: whether it takes messages, whether they arrive, what waits.",
        None,
        (200, Some("Channels")),
    ),
    // (end of channels)
    // ---- inbound ----
    row(
        "POST",
        "/api/v1/inbound/sms",
        Anyone,
        "A reply or a delivery report of the SMS gateway, signed with its key.",
        Some("Inbound"),
        (200, Some("InboundAnswer")),
    ),
    row(
        "POST",
        "/api/v1/inbound/mail",
        Anyone,
        "A reply or a delivery report by mail, signed with the key of whoever takes it in.",
        Some("Inbound"),
        (200, Some("InboundAnswer")),
    ),
    // (end of inbound)
    // ---- links ----
    row("GET", "/a", Anyone, "The page of a signed link in a mail or SMS.", None, (200, None)),
    row("GET", "/a/link.css", Anyone, "Its style.", None, (200, None)),
    row("GET", "/a/link.js", Anyone, "Its script.", None, (200, None)),
    row(
        "POST",
        "/api/v1/links/read",
        Anyone,
        "What a signed link is for, by its token.",
        Some("LinkToken"),
        (200, Some("LinkView")),
    ),
    row(
        "POST",
        "/api/v1/links/acknowledge",
        Anyone,
        "Acknowledge the version that a signed link is for, as its person.",
        Some("LinkAcknowledge"),
        (200, Some("LinkView")),
    ),
    // (end of links)
    // ---- cap ----
    row("GET", "/cap/feed.atom", Partner, "Bulletins released to the partner's agency, as Atom.", None, (200, None)),
    row(
        "GET",
        "/cap/alerts/{alert}",
        Partner,
        "One version of a bulletin as a signed CAP 1.2 alert: IDENTIFIER.xml.",
        None,
        (200, None),
    ),
    row(
        "GET",
        "/api/v1/cap/certificates",
        SignedIn,
        "What alerts are signed with: certificates for partners to pin.",
        None,
        (200, Some("CapCertificates")),
    ),
    row(
        "GET",
        "/api/v1/partners",
        Roles(PARTNERS),
        "Tokens of partners' systems, without their secrets.",
        None,
        (200, Some("PartnerTokenList")),
    ),
    row(
        "POST",
        "/api/v1/partners",
        Roles(&[Integrator, Administrator]),
        "Make a token for a system of another agency; its secret is shown once.",
        Some("PartnerTokenBody"),
        (201, Some("PartnerTokenMade")),
    ),
    row(
        "DELETE",
        "/api/v1/partners/{id}",
        Roles(&[Integrator, Administrator]),
        "Revoke a partner's token.",
        None,
        (204, None),
    ),
    // (end of cap)
    row("GET", "/api/v1/basemap", SignedIn, "The own map (PMTiles), by byte range.", None, (206, None)),
];

/// The row of an endpoint.
pub fn find(method: &str, path: &str) -> Option<&'static Row> {
    // A HEAD is a GET whose body is not sent.
    let method = if method == "HEAD" { "GET" } else { method };
    TABLE.iter().find(|r| r.method == method && r.path == path)
}

impl Who {
    /// Whether somebody signed in with these roles may.
    pub fn lets(self, roles: &BTreeSet<Role>) -> bool {
        match self {
            Self::Anyone | Self::SignedIn => true,
            Self::Roles(list) => list.iter().any(|r| roles.contains(r)),
            Self::Source | Self::Partner => false,
        }
    }
}

/// A kind of event of the stream (`GET /events`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The stream is open.
    Hello,
    /// The stream lives.
    Heartbeat,
    /// What was missed is no longer known: read everything anew.
    Reset,
    /// The centre shuts down: the stream ends after it.
    Bye,
    /// How the centre does.
    Status,
    /// The sky.
    Tracks,
    /// Who is in danger.
    Dangers,
    /// A notice or who has it changed.
    Notice,
    /// A sighting changed.
    Sighting,
    /// Where a person is, or how they can be reached, changed.
    Person,
    /// Agencies, units, people or rosters changed.
    Directory,
    /// Who has an alarm in hand changed.
    Alarm,
    /// One watch officer took over from another.
    Shift,
    /// A flood of alarms began or ended.
    Flood,
    /// Something new fits a search that somebody keeps.
    Search,
    /// A bulletin was proposed, decided about, or is over.
    Bulletin,
    /// An intelligence report changed.
    Intelligence,
}

/// Who gets a kind of event.
#[derive(Debug, Clone, Copy)]
pub struct EventRow {
    /// Who gets all of them.
    pub whole: Who,
    /// Which of them everybody else who is signed in gets; none when it is empty.
    pub others: &'static str,
    /// What it says, for the OpenAPI document.
    pub says: &'static str,
    /// Schema of its data.
    pub gives: Option<&'static str>,
}

impl Event {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Hello,
        Self::Heartbeat,
        Self::Reset,
        Self::Bye,
        Self::Status,
        Self::Tracks,
        Self::Dangers,
        Self::Notice,
        Self::Sighting,
        Self::Person,
        Self::Directory,
        Self::Alarm,
        Self::Shift,
        Self::Flood,
        Self::Search,
        Self::Bulletin,
        Self::Intelligence,
    ];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Heartbeat => "heartbeat",
            Self::Reset => "reset",
            Self::Bye => "bye",
            Self::Status => "status",
            Self::Tracks => "tracks",
            Self::Dangers => "dangers",
            Self::Notice => "notice",
            Self::Sighting => "sighting",
            Self::Person => "person",
            Self::Directory => "directory",
            Self::Alarm => "alarm",
            Self::Shift => "shift",
            Self::Flood => "flood",
            Self::Search => "search",
            Self::Bulletin => "bulletin",
            Self::Intelligence => "intelligence",
        }
    }

    /// The rows of the table: a kind without one does not compile.
    pub const fn row(self) -> EventRow {
        let (whole, others, says, gives) = match self {
            Self::Hello => (SignedIn, "", "The stream is open: the time here, and the exercise.", None),
            Self::Heartbeat => (SignedIn, "", "Every two seconds: the time here.", None),
            Self::Reset => (SignedIn, "", "What was missed is no longer known: read everything anew.", None),
            Self::Bye => (SignedIn, "", "The centre shuts down: the stream ends after it.", None),
            Self::Status => {
                (SignedIn, "", "How the centre does; who is on duty only for those who see people.", Some("Status"))
            }
            Self::Tracks => (Roles(SKY), "", "The sky, once a second.", Some("TrackFeatures")),
            Self::Dangers => {
                (Roles(CENTRE), "those to themself and to the sites of their unit", "Dangers.", Some("DangerList"))
            }
            Self::Notice => (
                Roles(CENTRE),
                "those that they are on the list of, with their own row of it",
                "A warning, or who has it, changed.",
                Some("NoticeView"),
            ),
            Self::Sighting => (
                Roles(CENTRE),
                "their own, and those of people whom they lead",
                "A report changed.",
                Some("SightingView"),
            ),
            Self::Person => (
                Roles(EVERYBODY),
                "themself; a supervisor also those whom they lead",
                "Where a person is, or how they can be reached, changed.",
                Some("Person"),
            ),
            Self::Directory => (
                Roles(ROSTERS),
                "",
                "Agencies, units, people or rosters changed: read again what you show of them.",
                Some("DirectoryChanged"),
            ),
            Self::Alarm => (Roles(CENTRE), "", "Who has an alarm in hand changed.", Some("Alarm")),
            Self::Shift => (Roles(CENTRE), "", "One watch officer took over from another.", Some("Shift")),
            Self::Flood => (Roles(CENTRE), "", "A flood of alarms began or ended.", Some("Flood")),
            Self::Search => (
                Roles(SEARCHES),
                "",
                "Something new fits a search of your own: to those who keep it only.",
                Some("SearchNews"),
            ),
            Self::Bulletin => {
                (Roles(BULLETINS), "", "A bulletin was proposed, decided about, or is over.", Some("Bulletin"))
            }
            Self::Intelligence => (
                Roles(BULLETINS),
                "an administrator those whose purge is asked for or due",
                "An intelligence report changed: read it again; or is no longer there for you.",
                Some("ReportChanged"),
            ),
        };
        EventRow { whole, others, says, gives }
    }

    /// Whether somebody with these roles gets all of them.
    pub fn whole(self, roles: &BTreeSet<Role>) -> bool {
        self.row().whole.lets(roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every role, in the order of the columns of the readable table.
    const ROLES: [(Role, &str); 7] = [
        (Field, "field"),
        (Watch, "watch"),
        (Analyst, "analyst"),
        (Supervisor, "supervisor"),
        (Integrator, "integrator"),
        (Auditor, "auditor"),
        (Administrator, "administrator"),
    ];

    fn cells(who: Who, others: bool) -> String {
        let cell = |role: Role| match who {
            Anyone | SignedIn => "yes",
            Roles(list) if list.contains(&role) => "yes",
            Roles(_) if others => "part",
            Roles(_) | Source | Partner => "",
        };
        ROLES.iter().fold(String::new(), |row, (r, _)| row + " " + cell(*r) + " |")
    }

    /// The table as people read it.
    fn readable() -> String {
        use std::fmt::Write as _;
        let heads = ROLES.iter().fold(String::new(), |row, (_, w)| row + " " + w + " |");
        let dashes = "---|".repeat(ROLES.len());
        let mut out = String::from(
            "# Permissions\n\n\
             Made from the program's own table (`crates/skypicket/src/http/permission.rs`), which is enforced in one place; \
             a test holds that this page is fresh, and others try every cell of it against the running program.\n\n\
             Someone with several roles may what any of them may. *Anyone* needs no sign-in; *source* is a sensor or feed \
             with its token, *partner* a system of another agency with its own. What a list shows is cut to what its reader may see: markings, their own people, and where \
             people are only for watch, auditor and supervisor.\n\n## Endpoints\n\n",
        );
        let _ = writeln!(out, "| endpoint | without a role |{heads} what it does |\n|---|---|{dashes}---|");
        for r in TABLE {
            let without = match r.who {
                Anyone => "anyone",
                Source => "source",
                Partner => "partner",
                SignedIn => "signed in",
                Roles(_) => "",
            };
            let (method, path) = (r.method, r.path);
            let _ = writeln!(out, "| `{method} {path}` | {without} |{} {} |", cells(r.who, false), r.does);
        }
        let _ = writeln!(
            out,
            "\n## Events of the stream (`GET /api/v1/events`)\n\n*part*: everybody else who is signed in gets only what \
             the last column but one says.\n\n| event |{heads} others get | what it says |\n|---|{dashes}---|---|"
        );
        for e in Event::ALL {
            let row = e.row();
            let cells = cells(row.whole, !row.others.is_empty());
            let _ = writeln!(out, "| `{}` |{cells} {} | {} |", e.name(), row.others, row.says);
        }
        out
    }

    #[test]
    fn the_readable_table_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/admin/permissions.md");
        let fresh = readable();
        if std::env::var_os("SKYPICKET_UPDATE").is_some() {
            std::fs::write(path, &fresh).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap_or_default() == fresh,
            "docs/admin/permissions.md is stale: SKYPICKET_UPDATE=1 cargo test -p skypicket --bin skypicket readable"
        );
    }

    #[test]
    fn notices_sightings_and_dangers_go_to_the_same_roles() {
        for (role, word) in ROLES {
            let of = |e: Event| e.whole(&[role].into());
            assert_eq!(of(Event::Notice), of(Event::Sighting), "{word}");
            assert_eq!(of(Event::Notice), of(Event::Dangers), "{word}");
        }
    }

    #[test]
    fn every_kind_of_event_is_listed_once() {
        let names: BTreeSet<&str> = Event::ALL.iter().map(|e| e.name()).collect();
        assert_eq!(names.len(), Event::ALL.len());
        // The last of them: a kind that is added behind it and not listed makes this count wrong.
        assert_eq!(Event::Intelligence as usize + 1, Event::ALL.len());
    }

    #[test]
    fn no_endpoint_has_two_rows() {
        let mut seen = BTreeSet::new();
        for r in TABLE {
            assert!(seen.insert((r.method, r.path)), "{} {}", r.method, r.path);
        }
    }
}
