//! [`Exercise`]: a simulated hour that a stranger can walk into, fed through the same doors as the real thing.

use crate::{centre::Centre, clock, config::MapPlace, inbox::Job, library::Library, sources::CentreIntake};
use skypicket_link::Intake;
use skypicket_model::{
    Act, Audience, BulletinAct, BulletinContent, BulletinStep, Directory, Notice, NoticeId, PersonId, Place, Role, Time,
};
use skypicket_sim::exercise::{FirstLight, Happening};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// A real place this far from the scene is not in it, metres.
const NEAR_M: f64 = 50_000.0;

/// A running exercise.
pub struct Exercise {
    name: String,
    scene: Mutex<FirstLight>,
    library: Arc<Library>,
}

/// The template of the bulletin that the scene begins with, and whose words it is in.
const BULLETIN: (&str, &str) = ("exercise-officer-safety-alert", "exercise-sector");

impl Exercise {
    /// By name; `None` when there is none of that name.
    pub fn new(name: &str, seed: u64, started: Time, library: Arc<Library>) -> Option<Self> {
        let scene = || Mutex::new(FirstLight::new(seed, started));
        (name == "first-light").then(|| Self { name: name.into(), scene: scene(), library })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn scene(&self) -> MutexGuard<'_, FirstLight> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is in it.
    pub fn directory(&self) -> Directory {
        self.scene().directory()
    }

    /// Where it is.
    pub fn place() -> MapPlace {
        let at = FirstLight::place();
        MapPlace { name: "Border near 31.76 N 106.49 W".into(), lat_deg: at.lat_deg, lon_deg: at.lon_deg, zoom: 13.2 }
    }

    /// A real phone speaks for this person now: the simulated one is quiet.
    pub fn is_live(&self, person: &PersonId, now: Time) {
        self.scene().is_live(person, now);
    }

    /// Runs in real time until `stopped`.
    pub async fn run(&self, intake: CentreIntake, mut stopped: watch::Receiver<bool>) {
        let mut beat = tokio::time::interval(Duration::from_millis(200));
        let mut told: BTreeSet<(NoticeId, u32)> = BTreeSet::new();
        self.alert(&intake).await;
        loop {
            tokio::select! {
                _ = stopped.wait_for(|s| *s) => return,
                _ = beat.tick() => {}
            }
            self.tell(&intake, &mut told).await;
            let now = clock::now();
            let happenings = self.scene().events_until(now);
            for h in happenings {
                take(&intake, h.what).await;
            }
        }
    }

    /// Where somebody is for the exercise: a real place within [`NEAR_M`] of the scene as it is; anybody farther away (a
    /// visitor at a desk in another country) stands where the scene has them. `None` when the real place counts.
    pub async fn stands_in_for(&self, centre: &Centre, person: &PersonId, real: Place) -> Option<Place> {
        if FirstLight::place().distance_and_bearing(real).0 <= NEAR_M {
            return None;
        }
        let person = person.clone();
        centre.ask(move |e| e.positions().get(&person).map(|p| p.at)).await.ok().flatten()
    }

    /// The alert that the story starts from, as people would issue it: proposed by the analyst, approved by the sector
    /// chief. One that is still in force, from before a restart, is not issued again.
    async fn alert(&self, intake: &CentreIntake) {
        let [author, second] = [FirstLight::analyst(), FirstLight::approver()];
        let act = |by: &PersonId, act| intake.act(by.clone(), "exercise", Act::Bulletin(act));
        let mut found = self.standing_alert(intake).await;
        if found.is_none() {
            let Some(content) = alert(&self.library, clock::now()) else {
                tracing::warn!("the library has no template for the exercise's alert: none is issued");
                return;
            };
            let propose = BulletinAct::Propose { notice: NoticeId(uuid::Uuid::now_v7()), content: Box::new(content) };
            if let Err(refused) = act(&author, propose).await {
                tracing::warn!(code = refused.code, "the exercise's alert was refused");
                return;
            }
            found = self.standing_alert(intake).await;
        }
        if let Some((notice, Some(read))) = found
            && let Err(refused) =
                act(&second, BulletinAct::Approve { notice, read, unseen: 0, unseen_marking: None }).await
        {
            tracing::warn!(code = refused.code, "the exercise's alert was not approved");
        }
    }

    /// The alert that is in force or waits, and when it was proposed where it waits for its second person.
    async fn standing_alert(&self, intake: &CentreIntake) -> Option<(NoticeId, Option<Time>)> {
        let of_it = |template: &str| template.split('@').next() == Some(BULLETIN.0);
        let found = intake.centre.ask(move |e| {
            let written = |c: &BulletinContent| c.sheet.as_ref().is_some_and(|s| of_it(&s.template));
            let s = e.desk().bulletins().find(|s| !s.is_over() && written(&s.content))?;
            Some((s.notice, (s.step == BulletinStep::Proposed).then_some(s.proposed_at)))
        });
        found.await.ok().flatten()
    }

    /// Lets the simulated people know what reached them, so that they acknowledge it, or do not.
    async fn tell(&self, intake: &CentreIntake, told: &mut BTreeSet<(NoticeId, u32)>) {
        let open = intake
            .centre
            .ask(|e| {
                e.notices().map(|n| (n.clone(), e.recipients(n.id))).collect::<Vec<(Notice, BTreeSet<PersonId>)>>()
            })
            .await
            .unwrap_or_default();
        told.retain(|(id, _)| open.iter().any(|(n, _)| n.id == *id));
        for (notice, people) in open {
            if told.insert((notice.id, notice.version)) {
                let people: Vec<PersonId> = people.into_iter().collect();
                self.scene().on_notice(&notice, &people, clock::now());
            }
        }
    }
}

/// What the alert says: the template with its own examples, for everybody who stands on the line.
fn alert(library: &Library, now: Time) -> Option<BulletinContent> {
    let content = library.example(BULLETIN.0, Some(BULLETIN.1), true, now)?;
    Some(BulletinContent { audience: vec![Audience::Role { role: Role::Field }], ..content })
}

async fn take(intake: &CentreIntake, what: Happening) {
    match what {
        Happening::Observation(o) => {
            let source = o.source.clone();
            intake.observe(&source, vec![o]);
        }
        Happening::Position(p) => drop(intake.position(p).await),
        Happening::Act { by, act } => {
            if let Err(refused) = intake.act(by, "exercise", act).await {
                tracing::debug!(code = refused.code, "a simulated act was refused");
            }
        }
        Happening::Reach { person, channel, up } => {
            let _ = intake.centre.inbox.push(Job::Reach(person, channel, up));
        }
    }
}
