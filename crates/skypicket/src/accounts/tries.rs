//! [`Tries`]: how soon somebody may try to sign in again. Pure: time is an argument.
//!
//! Delays that grow, never a lock. Each failed try heats up three things: the name, the address, and the two together; heat
//! drains with time, and beyond what is free each degree doubles the wait, up to a cap. Two rules keep an attacker from
//! shutting others out:
//! - A name that did not fail from this address lately gets a first try, whatever the address did: one attacker behind a
//!   shared address does not shut out those beside them.
//! - A device that the person signed in with before (it has a cookie to say so) has a budget of its own, which nobody else
//!   can use up: an attack on a name does not shut its owner out. Links and passkeys are not counted here at all.

use skypicket_model::Time;
use std::{collections::BTreeMap, net::IpAddr};

/// Most rows of each table; the coldest makes room.
pub const MOST: usize = 20_000;

/// What a budget allows.
#[derive(Debug, Clone, Copy)]
struct Budget {
    /// Failed tries without any wait.
    free: f64,
    /// Longest wait, seconds.
    cap_s: f64,
    /// One degree drains in this time, seconds.
    drain_s: f64,
}

/// One name from one address.
const PAIR: Budget = Budget { free: 5.0, cap_s: 900.0, drain_s: 120.0 };
/// One name from anywhere else than its own devices.
const NAME: Budget = Budget { free: 20.0, cap_s: 60.0, drain_s: 60.0 };
/// A name this hot is under attack from very many places: their first tries wait as well.
const FLOOD: f64 = 200.0;
/// One address, any name.
const ADDRESS: Budget = Budget { free: 50.0, cap_s: 30.0, drain_s: 10.0 };
/// One device of one person.
const DEVICE: Budget = Budget { free: 10.0, cap_s: 60.0, drain_s: 60.0 };
/// Second-factor codes of one person: a million codes, three of them right at any time.
const CODE: Budget = Budget { free: 5.0, cap_s: 900.0, drain_s: 600.0 };
/// The same from one of their own devices.
const CODE_DEVICE: Budget = Budget { free: 5.0, cap_s: 300.0, drain_s: 300.0 };

#[derive(Debug, Clone, Copy)]
struct Heat {
    degrees: f64,
    at: Time,
}

impl Heat {
    fn now(self, budget: Budget, now: Time) -> f64 {
        (self.degrees - now.since_s(self.at).max(0.0) / budget.drain_s).max(0.0)
    }

    /// Seconds until the next try.
    fn wait(self, budget: Budget, now: Time) -> f64 {
        // Judged by the heat at the last try: what drains meanwhile shortens the wait after the next.
        let over = self.degrees - budget.free;
        if over <= 0.0 {
            return 0.0;
        }
        let wait = over.min(20.0).exp2().min(budget.cap_s);
        (wait - now.since_s(self.at).max(0.0)).max(0.0)
    }
}

#[derive(Debug)]
struct Table<K> {
    budget: Budget,
    rows: BTreeMap<K, Heat>,
}

impl<K: Ord + Clone> Table<K> {
    fn new(budget: Budget) -> Self {
        Self { budget, rows: BTreeMap::new() }
    }

    fn wait(&self, key: &K, now: Time) -> f64 {
        self.rows.get(key).map_or(0.0, |h| h.wait(self.budget, now))
    }

    fn warm(&self, key: &K, now: Time) -> bool {
        self.rows.get(key).is_some_and(|h| h.now(self.budget, now) > 0.0)
    }

    fn add(&mut self, key: K, now: Time) {
        if self.rows.len() >= MOST && !self.rows.contains_key(&key) {
            let budget = self.budget;
            self.rows.retain(|_, h| h.now(budget, now) > 0.0);
            while self.rows.len() >= MOST {
                let coldest = self.rows.iter().min_by(|a, b| a.1.now(budget, now).total_cmp(&b.1.now(budget, now)));
                let Some(k) = coldest.map(|(k, _)| k.clone()) else { break };
                self.rows.remove(&k);
            }
        }
        let before = self.rows.get(&key).map_or(0.0, |h| h.now(self.budget, now));
        self.rows.insert(key, Heat { degrees: before + 1.0, at: now });
    }

    /// Takes back what one try that went well had added.
    fn ease(&mut self, key: &K) {
        if let Some(h) = self.rows.get_mut(key) {
            h.degrees = (h.degrees - 1.0).max(0.0);
        }
    }
}

/// Who tries, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The name as typed.
    pub name: String,
    /// From where; `None` for what has no address (the control socket).
    pub address: Option<IpAddr>,
    /// The id of one of this person's own devices, where its cookie came along.
    pub device: Option<String>,
}

impl Try {
    fn place(&self) -> Option<String> {
        self.address.map(network)
    }
}

/// What counts as one address: an IPv4 address, or an IPv6 /64, of which one house has billions.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(a) => a.to_string(),
        IpAddr::V6(a) => {
            let [a, b, c, d, ..] = a.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The tables.
#[derive(Debug)]
pub struct Tries {
    pairs: Table<(String, String)>,
    names: Table<String>,
    addresses: Table<String>,
    devices: Table<(String, String)>,
    codes: Table<String>,
    code_devices: Table<(String, String)>,
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            pairs: Table::new(PAIR),
            names: Table::new(NAME),
            addresses: Table::new(ADDRESS),
            devices: Table::new(DEVICE),
            codes: Table::new(CODE),
            code_devices: Table::new(CODE_DEVICE),
        }
    }
}

fn allowed(wait: f64) -> Result<(), f64> {
    if wait > 0.0 { Err(wait) } else { Ok(()) }
}

impl Tries {
    /// A password is about to be checked: counted before, so that many at once are no way around; or how many seconds to
    /// wait, and nothing counted.
    pub fn password(&mut self, who: &Try, now: Time) -> Result<(), f64> {
        if let Some(device) = &who.device {
            let key = (who.name.clone(), device.clone());
            allowed(self.devices.wait(&key, now))?;
            self.devices.add(key, now);
            return Ok(());
        }
        let place = who.place();
        let pair = place.clone().map(|p| (who.name.clone(), p));
        let first = !pair.as_ref().is_some_and(|p| self.pairs.warm(p, now));
        let of_pair = pair.as_ref().map_or(0.0, |p| self.pairs.wait(p, now));
        let flooded = self.names.rows.get(&who.name).is_some_and(|h| h.now(NAME, now) > FLOOD);
        let of_name = if first && place.is_some() && !flooded { 0.0 } else { self.names.wait(&who.name, now) };
        let of_place = match &place {
            Some(p) if !first => self.addresses.wait(p, now),
            _ => 0.0,
        };
        allowed(of_pair.max(of_name).max(of_place))?;
        if let Some(p) = pair {
            self.pairs.add(p, now);
        }
        self.names.add(who.name.clone(), now);
        if let Some(p) = place {
            self.addresses.add(p, now);
        }
        Ok(())
    }

    /// It was the right one.
    pub fn right(&mut self, who: &Try) {
        if let Some(device) = &who.device {
            self.devices.rows.remove(&(who.name.clone(), device.clone()));
            return;
        }
        if let Some(p) = who.place() {
            self.pairs.rows.remove(&(who.name.clone(), p.clone()));
            self.addresses.ease(&p);
        }
        self.names.ease(&who.name);
    }

    /// A second-factor code is about to be checked.
    pub fn code(&mut self, who: &Try, now: Time) -> Result<(), f64> {
        if let Some(device) = &who.device {
            let key = (who.name.clone(), device.clone());
            allowed(self.code_devices.wait(&key, now))?;
            self.code_devices.add(key, now);
        } else {
            allowed(self.codes.wait(&who.name, now))?;
            self.codes.add(who.name.clone(), now);
        }
        Ok(())
    }

    /// It was the right one.
    pub fn right_code(&mut self, who: &Try) {
        match &who.device {
            Some(d) => drop(self.code_devices.rows.remove(&(who.name.clone(), d.clone()))),
            None => drop(self.codes.rows.remove(&who.name)),
        }
    }

    /// Rows in the largest table.
    #[cfg(test)]
    fn rows(&self) -> usize {
        self.pairs.rows.len().max(self.names.rows.len()).max(self.addresses.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(s: f64) -> Time {
        Time::default().plus_s(1_000_000.0 + s)
    }

    fn from(name: &str, address: &str) -> Try {
        Try { name: name.into(), address: Some(address.parse().unwrap()), device: None }
    }

    fn own(name: &str, address: &str) -> Try {
        Try { device: Some("d1".into()), ..from(name, address) }
    }

    /// Tries without a break; how many were let through in so many seconds.
    fn hammer(tries: &mut Tries, who: &Try, from_s: f64, seconds: f64) -> u32 {
        let mut let_in = 0;
        let mut t = from_s;
        while t < from_s + seconds {
            let_in += u32::from(tries.password(who, at(t)).is_ok());
            t += 0.25;
        }
        let_in
    }

    #[test]
    fn waits_grow_and_are_capped() {
        // (failed tries before, least and most seconds to wait after them)
        let table = [(4, 0.0, 0.0), (5, 0.0, 0.0), (6, 1.9, 2.1), (7, 3.8, 4.2), (10, 25.0, 33.0), (40, 100.0, 130.0)];
        for (failed, least, most) in table {
            let mut tries = Tries::default();
            let who = from("a", "192.0.2.1");
            let mut now = 0.0;
            for _ in 0..failed {
                while let Err(wait) = tries.password(&who, at(now)) {
                    now += wait + 1e-3;
                }
            }
            let wait = tries.password(&who, at(now)).err().unwrap_or(0.0);
            // What drained while waiting makes it a little less than a whole doubling.
            assert!(wait <= most && (wait >= least * 0.5), "{failed}: {wait}");
        }
    }

    #[test]
    fn an_attacker_behind_a_shared_address_does_not_shut_out_those_beside_them() {
        let mut tries = Tries::default();
        let nat = "198.51.100.7";
        for k in 0..400 {
            let _ = tries.password(&from(&format!("guess-{k}"), nat), at(f64::from(k) * 0.1));
            let _ = tries.password(&from("victim", nat), at(f64::from(k) * 0.1));
        }
        assert!(tries.password(&from("colleague", nat), at(40.0)).is_ok(), "their first try is heard");
        assert!(tries.password(&own("victim", nat), at(40.0)).is_ok(), "on a device of their own");
        assert!(tries.password(&from("victim", "203.0.113.9"), at(40.0)).is_ok(), "from where nobody failed");
        assert!(tries.password(&from("victim", nat), at(40.0)).is_err());
    }

    #[test]
    fn a_name_under_attack_from_everywhere_still_opens_for_its_owners_device() {
        let mut tries = Tries::default();
        for k in 0..5_000_u32 {
            let a = std::net::Ipv4Addr::from(0x0a00_0000 + k % 500);
            let _ = tries.password(&from("watch", &a.to_string()), at(f64::from(k)));
        }
        assert!(tries.password(&own("watch", "10.0.0.1"), at(5_000.0)).is_ok());
        // And without one they wait a minute at most where they failed before, never for ever.
        let wait = tries.password(&from("watch", "10.0.0.3"), at(5_000.0)).err().unwrap_or(0.0);
        assert!(wait <= PAIR.cap_s, "{wait}");
    }

    #[test]
    fn guessing_from_one_address_is_slow() {
        let mut tries = Tries::default();
        let n = hammer(&mut tries, &from("a", "192.0.2.1"), 0.0, 3_600.0);
        assert!(n < 45, "{n} guesses in an hour");
        let mut tries = Tries::default();
        let mut codes = 0;
        for s in 0..86_400 {
            codes += u32::from(tries.code(&from("a", "192.0.2.1"), at(f64::from(s))).is_ok());
        }
        assert!(codes < 200, "{codes} codes in a day");
    }

    #[test]
    fn one_network_of_version_six_is_one_address() {
        let a: IpAddr = "2001:db8:1:2::1".parse().unwrap();
        let b: IpAddr = "2001:db8:1:2:ffff::9".parse().unwrap();
        let c: IpAddr = "2001:db8:1:3::1".parse().unwrap();
        assert_eq!(network(a), network(b));
        assert_ne!(network(a), network(c));
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1");
    }

    #[test]
    fn tables_are_bounded() {
        let mut tries = Tries::default();
        for k in 0..u32::try_from(MOST).unwrap() + 50 {
            let a = std::net::Ipv4Addr::from(0x0a00_0000 + k);
            let _ = tries.password(&from(&format!("n{k}"), &a.to_string()), at(0.0));
        }
        assert_eq!(tries.rows(), MOST);
    }

    proptest! {
        /// Whatever came before: nobody waits for longer than a quarter of an hour, a try after the wait is heard, and the
        /// right password starts this place anew.
        #[test]
        fn waits_end(steps in prop::collection::vec((0_u8..4, 0_u8..4, any::<bool>(), 0.0_f64..30.0), 1..300)) {
            let mut tries = Tries::default();
            let mut now = 0.0;
            for (name, address, device, gap) in steps {
                now += gap;
                let mut who = from(&format!("n{name}"), &format!("192.0.2.{address}"));
                who.device = device.then(|| "d".to_owned());
                if let Err(wait) = tries.password(&who, at(now)) {
                    prop_assert!(wait > 0.0 && wait <= PAIR.cap_s);
                    prop_assert!(tries.password(&who, at(now + wait + 0.001)).is_ok());
                    now += wait + 0.001;
                }
                if gap > 29.0 {
                    tries.right(&who);
                    prop_assert!(tries.password(&who, at(now)).is_ok());
                }
            }
        }

        /// What others do to a name changes nothing for a device of its owner.
        #[test]
        fn a_device_has_its_own_budget(others in prop::collection::vec((0_u8..255, 0.0_f64..2.0), 0..400)) {
            let mut tries = Tries::default();
            let mut now = 0.0;
            for (address, gap) in others {
                now += gap;
                let _ = tries.password(&from("owner", &format!("192.0.2.{address}")), at(now));
            }
            prop_assert!(tries.password(&own("owner", "192.0.2.1"), at(now)).is_ok());
        }
    }
}
