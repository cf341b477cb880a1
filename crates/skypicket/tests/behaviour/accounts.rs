//! Signing in, each way and each refusal; sessions; resets by two people; a lost phone.

use crate::support::{Answer, Centre, Client, Events, SOON, Scene, id, items, run, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use totp_rs::{Builder, Secret, Totp};

const JSON: (&str, &str) = ("content-type", "application/json");
const PASSWORD: &str = "lluvia en la sierra";

fn put(client: &Client, path: &str, body: &Value) -> Answer {
    client.send("PUT", path, &[JSON], body.to_string().as_bytes())
}

fn delete(client: &Client, path: &str) -> Answer {
    client.send("DELETE", path, &[], b"")
}

/// Sets the password, and goes on with the new session.
fn set_password(client: &mut Client, password: &str) {
    let answer = put(client, "/api/v1/me/password", &json!({"password": password}));
    assert_eq!(answer.status, 204, "{answer}");
    client.take_cookie(&answer);
}

fn sign_in(centre: &Centre, name: &str, password: &str) -> Answer {
    centre.anybody().post("/api/v1/sessions", &json!({"name": name, "password": password}))
}

fn signed_in(centre: &Centre, name: &str, password: &str) -> Client {
    let mut client = centre.anybody();
    let answer = sign_in(centre, name, password);
    answer.ok(200);
    client.take_session(&answer);
    client
}

/// An authenticator app.
struct App(Totp);

impl App {
    fn new(base32: &str) -> Self {
        Self(Builder::new().with_secret(Secret::try_from_base32(base32).unwrap()).with_skew(1).build().unwrap())
    }

    /// The code of the step so many steps from now.
    fn code(&self, steps: i64) -> String {
        #[allow(clippy::cast_possible_truncation)] // seconds since 1970
        let now = crate::support::now_s() as i64 + steps * 30;
        self.0.generate(now.cast_unsigned()).to_string()
    }
}

/// Sets codes up; the app and the recovery codes.
fn set_codes(client: &mut Client) -> (App, Vec<String>) {
    let begun = client.post("/api/v1/me/totp", &json!({"id": id()})).ok(201);
    assert!(text(&begun, "/qr").starts_with("data:image/svg+xml;base64,"));
    assert!(text(&begun, "/uri").contains(text(&begun, "/secret")));
    let app = App::new(text(&begun, "/secret"));
    // The step before is still good: what is used here leaves the step of now and the next for the test.
    let answer = put(client, "/api/v1/me/totp", &json!({"code": app.code(-1)}));
    let given = answer.ok(200);
    let codes = given["recovery_codes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
    client.take_cookie(&answer);
    (app, codes)
}

fn with_sign_in(table: &str) -> Scene {
    let mut scene = Scene::new();
    scene.text = format!("{}\n[sign_in]\n{table}\n", scene.text);
    scene
}

/// Changes what the record keeps of sessions, while the centre does not run: instead of waiting for hours to pass.
fn change_private(centre: &Centre, script: &str) {
    let database = rusqlite::Connection::open(centre.record().join("record.db")).unwrap();
    assert!(database.execute(script, []).unwrap() > 0);
}

#[test]
fn a_password_and_a_code_sign_in_and_no_half_of_it_does() {
    let mut centre = Centre::start();
    let mut agent = centre.person("agent-a1");
    set_password(&mut agent, PASSWORD);
    let (app, recovery) = set_codes(&mut agent);
    assert_eq!(recovery.len(), 10);

    let step = sign_in(&centre, "agent-a1", PASSWORD);
    assert!(step.header("set-cookie").is_none(), "half a sign-in sets nothing");
    let step = step.ok(200);
    assert_eq!(step["needs"], "code");
    let ticket = text(&step, "/ticket").to_owned();
    // The ticket is no session.
    let mut thief = centre.anybody();
    thief.set_cookie(&format!("skypicket_session={ticket}"));
    thief.get("/api/v1/me").problem(401, "signed_out");
    let wrong = centre.anybody().post("/api/v1/sessions", &json!({"ticket": ticket, "code": "000000"}));
    wrong.problem(401, "wrong_code");

    let code = app.code(0);
    let mut phone = centre.anybody();
    let answer = phone.post("/api/v1/sessions", &json!({"ticket": ticket, "code": code}));
    answer.ok(200);
    phone.take_session(&answer);
    assert_eq!(phone.see("/api/v1/me")["must_set_password"], false);
    // The ticket is used up, and so is the code.
    centre.anybody().post("/api/v1/sessions", &json!({"ticket": ticket, "code": app.code(1)})).problem(409, "run_out");
    let body = json!({"name": "agent-a1", "password": PASSWORD, "code": code});
    centre.anybody().post("/api/v1/sessions", &body).problem(401, "wrong_code");
    // With name, password and code at once, for programs.
    let body = json!({"name": "agent-a1", "password": PASSWORD, "code": app.code(1)});
    centre.anybody().post("/api/v1/sessions", &body).ok(200);

    // A recovery code does instead, once, however it is typed.
    let typed = recovery[3].to_uppercase().replace('-', " ");
    let body = json!({"name": "agent-a1", "password": PASSWORD, "code": typed});
    centre.anybody().post("/api/v1/sessions", &body).ok(200);
    centre.anybody().post("/api/v1/sessions", &body).problem(401, "wrong_code");
    assert_eq!(phone.see("/api/v1/me/sign-in")["recovery_left"], 9);

    // None of the secrets is anywhere in the folder but the one that checks codes.
    assert_eq!(centre.terminate().status.code(), Some(0));
    for file in std::fs::read_dir(centre.record()).unwrap() {
        let file = file.unwrap();
        if !file.file_type().unwrap().is_file() {
            continue; // the control socket of the centre that ran here
        }
        let bytes = std::fs::read(file.path()).unwrap();
        for secret in [PASSWORD, &ticket, &recovery[0], &recovery[0].replace('-', "")] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret}");
        }
    }
    assert!(!centre.log().contains(PASSWORD));
    // All of it holds over a restart: the code that was used is still used.
    centre.start_again();
    let body = json!({"name": "agent-a1", "password": PASSWORD, "code": app.code(1)});
    centre.anybody().post("/api/v1/sessions", &body).problem(401, "wrong_code");
    let body = json!({"name": "agent-a1", "password": PASSWORD, "code": recovery[0]});
    centre.anybody().post("/api/v1/sessions", &body).ok(200);
}

#[test]
fn weak_passwords_are_refused_in_words() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    for weak in ["short", "password1234", "QWERTYUIOP", "agent-a1agent-a1", "1234567890"] {
        put(&agent, "/api/v1/me/password", &json!({"password": weak})).problem(422, "weak_password");
    }
    assert_eq!(agent.see("/api/v1/me")["must_set_password"], true);
}

#[test]
fn who_must_have_a_second_factor_can_do_nothing_else_before() {
    let mut centre = Centre::start_with(with_sign_in("second_factor = \"always\""), &[]);
    let mut admin = centre.first();
    assert_eq!(admin.see("/api/v1/me")["must_set_factor"], true);
    admin.get("/api/v1/people").problem(403, "second_factor_required");
    admin.get("/api/v1/events").problem(403, "second_factor_required");
    admin.post("/api/v1/people/agent-a1/sign-in-links", &json!({"id": id()})).problem(403, "second_factor_required");
    assert_eq!(admin.get("/healthz").status, 200);
    set_password(&mut admin, PASSWORD);
    let (_, _) = set_codes(&mut admin);
    assert_eq!(admin.see("/api/v1/me")["must_set_factor"], false);
    admin.see("/api/v1/people");
    // It cannot be taken away again.
    admin.post("/api/v1/me/totp/removal", &json!({"id": id()})).problem(409, "last_factor");
    // A field agent needs none.
    let made = admin.post("/api/v1/people/agent-a1/sign-in-links", &json!({"id": id()})).ok(201);
    let mut agent = centre.anybody();
    agent.sign_in(text(&made, "/url").split_once("#sign-in=").unwrap().1);
    assert_eq!(agent.see("/api/v1/me")["must_set_factor"], false);
    agent.see("/api/v1/notices");
}

#[test]
fn nobody_alone_gets_in_as_somebody_who_is_set_up() {
    let mut centre = Centre::start();
    let admin = centre.first();
    let link = |who: &str| admin.post(&format!("/api/v1/people/{who}/sign-in-links"), &json!({"id": id()}));
    let early = text(&link("agent-a1").ok(201), "/url").split_once("#sign-in=").unwrap().1.to_owned();
    let mut agent = centre.person("agent-a1");
    set_password(&mut agent, PASSWORD);
    link("agent-a1").problem(409, "signs_in_already");
    // A link that was made before is void with it.
    centre.anybody().post("/api/v1/sessions", &json!({"link": early})).problem(401, "wrong_sign_in");
}

#[test]
fn session_fixation_a_cookie_that_was_there_before_is_worth_nothing_after() {
    let mut centre = Centre::start();
    let mut agent = centre.person("agent-a1");
    set_password(&mut agent, PASSWORD);
    // An attacker's own session, put into the browser of whoever signs in next.
    let attacker = centre.person("agent-a2");
    let planted = attacker.cookie().unwrap().to_owned();
    let body = json!({"name": "agent-a1", "password": PASSWORD}).to_string();
    let answer = centre.anybody().send("POST", "/api/v1/sessions", &[JSON, ("cookie", &planted)], body.as_bytes());
    answer.ok(200);
    let session = |c: &str| c.split("; ").find(|c| c.starts_with("skypicket_session=")).unwrap().to_owned();
    let given = session(answer.header("set-cookie").unwrap().split(';').next().unwrap());
    assert_ne!(given, session(&planted));
    attacker.get("/api/v1/me").problem(401, "signed_out");
    // Nor does a value of the attacker's own become a session.
    let mut made_up = centre.anybody();
    made_up.set_cookie("skypicket_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let answer = made_up.post("/api/v1/sessions", &json!({"name": "agent-a1", "password": PASSWORD}));
    assert!(!answer.header("set-cookie").unwrap().contains("AAAAAAAAAAAAAA"));
    made_up.get("/api/v1/me").problem(401, "signed_out");
    let flags = answer.header("set-cookie").unwrap();
    assert!(flags.contains("HttpOnly") && flags.contains("SameSite=Strict"), "{flags}");
}

#[test]
fn a_changed_password_ends_every_other_session_and_renews_this_one() {
    let mut centre = Centre::start();
    let mut desk = centre.person("agent-a1");
    set_password(&mut desk, PASSWORD);
    let phone = signed_in(&centre, "agent-a1", PASSWORD);
    let mut at_phone = Events::open(&phone);
    let before = desk.clone();
    let answer = put(&desk, "/api/v1/me/password", &json!({"password": "another set of words"}));
    assert_eq!(answer.status, 204);
    assert!(at_phone.ended(SOON), "its stream too");
    phone.get("/api/v1/me").problem(401, "signed_out");
    before.get("/api/v1/me").problem(401, "signed_out");
    desk.take_cookie(&answer);
    desk.see("/api/v1/me");
    sign_in(&centre, "agent-a1", PASSWORD).problem(401, "wrong_sign_in");
    sign_in(&centre, "agent-a1", "another set of words").ok(200);
}

#[test]
fn sessions_are_listed_and_ended_by_oneself_and_by_an_administrator() {
    let mut centre = Centre::start();
    let mut desk = centre.person("agent-a1");
    set_password(&mut desk, PASSWORD);
    let phone = signed_in(&centre, "agent-a1", PASSWORD);
    let mut at_phone = Events::open(&phone);
    let list = desk.see("/api/v1/me/sessions");
    assert_eq!(items(&list).len(), 2);
    let this: Vec<bool> = items(&list).iter().map(|s| s["this"].as_bool().unwrap()).collect();
    assert_eq!(this.iter().filter(|t| **t).count(), 1);
    let other = items(&list).iter().find(|s| s["this"] == false).unwrap();
    assert_eq!(
        (&other["how"], &other["address"], &other["agent"]),
        (&json!("password"), &json!("127.0.0.1"), &json!("a program"))
    );
    let other = text(other, "/id").to_owned();
    // Nobody else ends it by its id.
    let stranger = centre.person("agent-a2");
    delete(&stranger, &format!("/api/v1/me/sessions/{other}")).problem(404, "not_found");
    assert_eq!(delete(&desk, &format!("/api/v1/me/sessions/{other}")).status, 204);
    assert!(at_phone.ended(SOON));
    phone.get("/api/v1/me").problem(401, "signed_out");

    let phone = signed_in(&centre, "agent-a1", PASSWORD);
    assert_eq!(delete(&desk, "/api/v1/me/sessions").ok(200)["ended"], 1);
    phone.get("/api/v1/me").problem(401, "signed_out");
    let admin = centre.first();
    let account = admin.see("/api/v1/people/agent-a1/account");
    assert_eq!(account["sessions"].as_array().unwrap().len(), 1);
    let mut at_desk = Events::open(&desk);
    assert_eq!(delete(&admin, "/api/v1/people/agent-a1/sessions").ok(200)["ended"], 1);
    assert!(at_desk.ended(SOON));
    desk.get("/api/v1/me").problem(401, "signed_out");
}

#[test]
fn a_session_ends_when_its_time_is_over_and_the_stream_that_only_listens_with_it() {
    // A hundredth of a day is the least: the session is made older in the record instead of waiting for it.
    let mut centre = Centre::start_with(with_sign_in("field_session_days = 0.01"), &[]);
    let agent = centre.person("agent-a1");
    let ends = text(&agent.see("/api/v1/me/sessions"), "/items/0/ends_at").to_owned();
    assert!(ends > crate::support::time_text(800.0) && ends < crate::support::time_text(900.0), "{ends}");
    assert_eq!(centre.terminate().status.code(), Some(0));
    let older = |by_s: f64| {
        format!(
            "UPDATE private SET value = CAST(json_set(CAST(value AS TEXT), '$.made_at', '{}') AS BLOB) \
             WHERE kind = 'session' AND json_extract(CAST(value AS TEXT), '$.person') = 'agent-a1'",
            crate::support::time_text(-by_s)
        )
    };
    // Some seconds are left of its 864: the stream that is opened in them ends with it, though nothing is asked.
    change_private(&centre, &older(856.0));
    centre.start_again();
    let mut listening = Events::open(&agent);
    assert!(listening.ended(std::time::Duration::from_secs(30)));
    agent.get("/api/v1/me").problem(401, "signed_out");
    centre.first().see("/api/v1/me");
    // And one that is over at the start does not come back.
    assert_eq!(centre.terminate().status.code(), Some(0));
    centre.start_again();
    agent.get("/api/v1/me").problem(401, "signed_out");
}

#[test]
fn a_reset_takes_two_people_and_ends_all_that_was() {
    let mut centre = Centre::start();
    let mut agent = centre.person("agent-a1");
    set_password(&mut agent, PASSWORD);
    let (_, recovery) = set_codes(&mut agent);
    let mut at_agent = Events::open(&agent);
    let [watch, administrator, lead, lead_b, watch2] =
        ["watch", "administrator", "lead-a", "lead-b", "watch2"].map(|p| centre.person(p));
    let resets = "/api/v1/people/agent-a1/resets";
    let confirmation = "/api/v1/people/agent-a1/resets/confirmation";
    let body = || json!({"id": id()});

    watch2.post(resets, &body()).problem(403, "forbidden");
    lead.post(confirmation, &body()).problem(404, "not_found");
    watch.post("/api/v1/people/watch/resets", &body()).problem(403, "forbidden");
    let begun = watch.post(resets, &body()).ok(201);
    assert_eq!((&begun["reset"]["by"], &begun["link"]), (&json!("watch"), &Value::Null));
    // Nothing has changed yet, and the person sees it.
    assert_eq!(agent.see("/api/v1/me/sign-in")["reset"]["by"], "watch");
    for (who, why) in
        [(&watch, "the same"), (&lead_b, "leads others"), (&watch2, "no administrator"), (&agent, "oneself")]
    {
        let answer = who.post(confirmation, &body());
        assert_eq!(answer.status, 403, "{why}: {answer}");
    }
    let seen = |c: &Client| items(&c.see("/api/v1/resets")).len();
    assert_eq!([seen(&lead), seen(&administrator), seen(&lead_b), seen(&watch2), seen(&agent)], [1, 1, 0, 0, 0]);

    let made = lead.post(confirmation, &body()).ok(201);
    assert!(at_agent.ended(SOON), "streams end at once");
    agent.get("/api/v1/me").problem(401, "signed_out");
    sign_in(&centre, "agent-a1", PASSWORD).problem(401, "wrong_sign_in");
    // A repeat makes no second link.
    lead.post(confirmation, &body()).problem(404, "not_found");
    let mut again = centre.anybody();
    again.sign_in(text(&made, "/url").split_once("#sign-in=").unwrap().1);
    let state = again.see("/api/v1/me/sign-in");
    assert_eq!(
        (&state["password"], &state["codes_since"], &state["recovery_left"]),
        (&json!(false), &Value::Null, &json!(0))
    );
    set_password(&mut again, "brand new words here");
    let body_of = json!({"name": "agent-a1", "password": "brand new words here", "code": recovery[0]});
    centre.anybody().post("/api/v1/sessions", &body_of).ok(200);

    // The person, or an administrator, takes one back.
    watch.post(resets, &body()).ok(201);
    assert_eq!(delete(&again, "/api/v1/me/reset").status, 204);
    lead.post(confirmation, &body()).problem(404, "not_found");
    watch.post(resets, &body()).ok(201);
    assert_eq!(delete(&administrator, resets).status, 204);
    administrator.post(confirmation, &body()).problem(404, "not_found");

    // All of it stands in the audit.
    assert_eq!(centre.terminate().status.code(), Some(0));
    let audit: Vec<Value> = centre.export().into_iter().filter(|e| e.to_string().contains("\"reset\"")).collect();
    let text = json!(audit).to_string();
    for what in ["begun", "confirmed", "refused by the person", "taken back"] {
        assert!(text.contains(what), "{what}: {text}");
    }
}

#[test]
fn a_command_on_the_machine_lets_a_lone_administrator_in_again_and_says_so() {
    let mut centre = Centre::start();
    let mut admin = centre.first();
    set_password(&mut admin, PASSWORD);
    let (_, _) = set_codes(&mut admin);
    let data = centre.data();
    let out = run(&["user".as_ref(), "reset".as_ref(), "watch".as_ref(), "--data".as_ref(), data.as_os_str()]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let line: Value = serde_json::from_slice(&out.stdout).unwrap();
    admin.get("/api/v1/me").problem(401, "signed_out");
    sign_in(&centre, "watch", PASSWORD).problem(401, "wrong_sign_in");
    let mut again = centre.anybody();
    again.sign_in(text(&line, "/url").split_once("#sign-in=").unwrap().1);
    assert_eq!(again.see("/api/v1/me")["must_set_password"], true);
    let nobody = run(&["user".as_ref(), "reset".as_ref(), "no-such".as_ref(), "--data".as_ref(), data.as_os_str()]);
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(centre.terminate().status.code(), Some(0));
    assert!(json!(centre.export()).to_string().contains("done by a command on the machine"));
    let gone = run(&["user".as_ref(), "reset".as_ref(), "watch".as_ref(), "--data".as_ref(), data.as_os_str()]);
    assert_eq!(gone.status.code(), Some(3), "no centre runs");
}

#[test]
fn a_lost_phone_is_cut_off_by_one_action_and_its_open_page_ends() {
    let mut centre = Centre::start();
    let mut agent = centre.person("agent-a1");
    set_password(&mut agent, PASSWORD);
    let phone = signed_in(&centre, "agent-a1", PASSWORD);
    let mut at_phone = Events::open(&phone);
    let path = "/api/v1/people/agent-a1/lost-phone";
    let body = || json!({"id": id()});
    for stranger in ["agent-a2", "lead-b", "analyst"] {
        centre.person(stranger).post(path, &body()).problem(403, "forbidden");
    }
    phone.see("/api/v1/me");
    let lead = centre.person("lead-a");
    let cut = lead.post(path, &body()).ok(200);
    assert_eq!((&cut["sessions"], &cut["streams"], &cut["failed"]), (&json!(2), &json!(1), &json!([])));
    assert!(at_phone.ended(SOON), "nothing more reaches it");
    phone.get("/api/v1/events").problem(401, "signed_out");
    phone.get("/api/v1/me").problem(401, "signed_out");
    let again = centre.person("watch2").post(path, &body()).ok(200);
    assert_eq!((&again["sessions"], &again["streams"]), (&json!(0), &json!(0)), "a repeat finds nothing left");
    centre.first().post("/api/v1/people/nobody-there/lost-phone", &body()).problem(404, "not_found");
    // The owner says it from another device, which stays signed in.
    let desk = signed_in(&centre, "agent-a1", PASSWORD);
    let phone = signed_in(&centre, "agent-a1", PASSWORD);
    assert_eq!(desk.post(path, &body()).ok(200)["sessions"], 1);
    phone.get("/api/v1/me").problem(401, "signed_out");
    desk.see("/api/v1/me");
    assert_eq!(centre.terminate().status.code(), Some(0));
    assert!(json!(centre.export()).to_string().contains("phone_lost"));
}

#[test]
fn enumeration_a_name_that_is_not_there_costs_and_answers_the_same() {
    let mut centre = Centre::start();
    let mut agent = centre.person("agent-a1");
    set_password(&mut agent, PASSWORD);
    let hashes = || {
        let text = centre.anybody().get("/metrics").text();
        let line = text.lines().find(|l| l.starts_with("skypicket_password_hashes_total"));
        line.and_then(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or(0.0)
    };
    let long = "x".repeat(1_025);
    let cases = [
        ("agent-a1", "wrong words altogether"),
        ("agent-a2", "has no password yet"),
        ("no-such-person", "wrong words altogether"),
        ("Not An Id!", "wrong words altogether"),
        ("agent-a1", &long),
        ("no-such-person", &long),
        ("", ""),
    ];
    let mut seen = BTreeSet::new();
    for (name, password) in cases {
        let before = hashes();
        let answer = sign_in(&centre, name, password);
        let problem = answer.problem(401, "wrong_sign_in");
        assert!((hashes() - before - 1.0).abs() < 0.1, "{name}: as many hashes as for anybody");
        let mut headers: Vec<String> = answer.headers.iter().map(|(n, _)| n.clone()).collect();
        headers.sort();
        seen.insert((text(&problem, "/detail").to_owned(), headers));
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[test]
fn an_attacker_at_a_shared_address_shuts_nobody_else_out() {
    let mut centre = Centre::start();
    let mut owner = centre.person("agent-a1");
    set_password(&mut owner, PASSWORD);
    let mut colleague = centre.person("agent-a2");
    set_password(&mut colleague, PASSWORD);
    let device = owner.cookie().unwrap().split("; ").find(|c| c.starts_with("skypicket_device=")).unwrap().to_owned();

    let mut waits = 0;
    for k in 0..12 {
        let answer = sign_in(&centre, "agent-a1", &format!("guess number {k}"));
        if answer.status == 429 {
            answer.problem(429, "too_many_tries");
            assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
            waits += 1;
        }
    }
    assert!(waits >= 6, "{waits}");
    for k in 0..60 {
        sign_in(&centre, &format!("name-{k}"), "guess");
    }
    // From the same address: the owner on a device of theirs, and the colleague at the first try.
    let mut known = centre.anybody();
    known.set_cookie(&device);
    known.post("/api/v1/sessions", &json!({"name": "agent-a1", "password": PASSWORD})).ok(200);
    sign_in(&centre, "agent-a2", PASSWORD).ok(200);
    // Another's device is of no help against this name.
    let theirs = colleague.cookie().unwrap().split("; ").find(|c| c.starts_with("skypicket_device=")).unwrap();
    let mut other = centre.anybody();
    other.set_cookie(theirs);
    other.post("/api/v1/sessions", &json!({"name": "agent-a1", "password": "guess"})).problem(429, "too_many_tries");
    // The device cookie alone opens nothing.
    known.set_cookie(&device);
    known.get("/api/v1/me").problem(401, "signed_out");
}

#[test]
fn codes_cannot_be_guessed_by_taking_new_tickets() {
    let mut centre = Centre::start();
    let mut agent = centre.person("agent-a1");
    set_password(&mut agent, PASSWORD);
    let (_, recovery) = set_codes(&mut agent);
    let mut refused = 0;
    for k in 0..12 {
        let body = json!({"name": "agent-a1", "password": PASSWORD, "code": format!("{k:06}")});
        let answer = centre.anybody().post("/api/v1/sessions", &body);
        assert!([401, 429].contains(&answer.status), "{answer}");
        refused += u32::from(answer.status == 429);
    }
    assert!(refused >= 5, "{refused}");
    // Whoever has the device they always use is not shut out by it.
    let device = agent.cookie().unwrap().split("; ").find(|c| c.starts_with("skypicket_device=")).unwrap().to_owned();
    let mut own = centre.anybody();
    own.set_cookie(&device);
    own.post("/api/v1/sessions", &json!({"name": "agent-a1", "password": PASSWORD, "code": recovery[0]})).ok(200);
}

#[test]
fn an_open_session_alone_does_not_change_how_its_owner_signs_in() {
    let mut centre = Centre::start();
    let mut agent = centre.person("agent-a1");
    set_password(&mut agent, PASSWORD);
    assert_eq!(centre.terminate().status.code(), Some(0));
    // The session was opened this morning.
    let morning = crate::support::time_text(-7_200.0);
    let script = format!(
        "UPDATE private SET value = CAST(json_set(CAST(value AS TEXT), '$.made_at', '{morning}') AS BLOB) WHERE kind = 'session'"
    );
    change_private(&centre, &script);
    centre.start_again();
    agent.see("/api/v1/me");
    let body = || json!({"id": id()});
    put(&agent, "/api/v1/me/password", &json!({"password": "a thief was here"})).problem(403, "password_needed");
    agent.post("/api/v1/me/totp", &body()).problem(403, "password_needed");
    agent.post("/api/v1/me/passkeys/challenges", &body()).problem(403, "password_needed");
    agent.post("/api/v1/me/recovery-codes", &body()).problem(403, "password_needed");
    let wrong = json!({"password": "a thief was here", "current": "some guess or other"});
    put(&agent, "/api/v1/me/password", &wrong).problem(403, "wrong_password");
    let right = json!({"password": "these are new words", "current": PASSWORD});
    assert_eq!(put(&agent, "/api/v1/me/password", &right).status, 204);
    sign_in(&centre, "agent-a1", "these are new words").ok(200);
}

#[test]
fn passkeys_are_not_offered_on_a_bare_address() {
    let centre = Centre::start();
    let nobody = centre.anybody();
    let ways = nobody.see("/api/v1/sign-in");
    assert_eq!((&ways["passkeys"], &ways["provider"]), (&json!("by_address"), &Value::Null));
    nobody.post("/api/v1/passkeys/challenges", &json!({"id": id()})).problem(409, "no_passkeys_here");
    nobody.get("/api/v1/oidc/start").problem(404, "not_found");
}

/// Somebody of the directory, changed by an administrator.
fn put_person(admin: &Client, person: &str, roles: &[&str], disabled: bool) {
    let person = json!({
        "id": person, "name": person.to_uppercase(), "unit": "a", "roles": roles, "channels": ["web"],
        "tak_uid": format!("TAK-{person}"), "language": "en", "disabled": disabled,
    });
    let change = json!({"id": id(), "changes": [{"change": "put_person", "person": person}]});
    let answer = admin.post("/api/v1/directory", &change);
    assert!(answer.status < 300, "{answer}");
}

#[test]
fn who_is_disabled_is_out_at_once_and_comes_back_only_by_signing_in() {
    let mut centre = Centre::start();
    let admin = centre.first();
    let mut agent = centre.person("agent-a1");
    set_password(&mut agent, PASSWORD);
    let made = admin.post("/api/v1/people/agent-a2/sign-in-links", &json!({"id": id()})).ok(201);
    let mut at_agent = Events::open(&agent);
    put_person(&admin, "agent-a1", &["field"], true);
    put_person(&admin, "agent-a2", &["field"], true);
    agent.get("/api/v1/me").problem(401, "signed_out");
    assert!(at_agent.ended(SOON), "its stream ends");
    // The right password says no more than a wrong one.
    sign_in(&centre, "agent-a1", PASSWORD).problem(401, "wrong_sign_in");
    admin.post("/api/v1/people/agent-a1/sign-in-links", &json!({"id": id()})).problem(404, "not_found");
    put_person(&admin, "agent-a1", &["field"], false);
    put_person(&admin, "agent-a2", &["field"], false);
    agent.get("/api/v1/me").problem(401, "signed_out");
    let link = text(&made, "/url").split_once("#sign-in=").unwrap().1;
    centre.anybody().post("/api/v1/sessions", &json!({"link": link})).problem(401, "wrong_sign_in");
    sign_in(&centre, "agent-a1", PASSWORD).ok(200);
}

#[test]
fn a_stream_has_the_rights_of_now_and_starts_anew_when_they_change() {
    let mut centre = Centre::start();
    let admin = centre.first();
    let agent = centre.person("agent-a1");
    let mut before = Events::open(&agent);
    let other = centre.person("agent-a2");
    other.post("/api/v1/sightings", &crate::support::sighting(0.0, 0.0, 5.0, "to1000")).ok(201);
    before.heartbeat();
    assert_eq!(before.count("sighting"), 0, "another's report is none of a field agent's business");
    let last = before.last_id().unwrap_or_else(|| "1".into());
    put_person(&admin, "agent-a1", &["field", "watch"], false);
    assert!(before.ended(SOON), "the roles are others now");
    let mut after = Events::open_after(&agent, Some(&last));
    after.wait("it starts anew", |e| e.name == "reset");
    other.post("/api/v1/sightings", &crate::support::sighting(0.0, 0.0, 5.0, "to1000")).ok(201);
    after.wait("the report", |e| e.name == "sighting");
    // And back.
    put_person(&admin, "agent-a1", &["field"], false);
    assert!(after.ended(SOON));
    let mut again = Events::open(&agent);
    other.post("/api/v1/sightings", &crate::support::sighting(0.0, 0.0, 5.0, "to1000")).ok(201);
    again.heartbeat();
    assert_eq!(again.count("sighting"), 0);
}
