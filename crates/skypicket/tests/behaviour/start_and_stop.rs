//! Starting, signing in, ending, starting again.

use crate::support::{Centre, Events};

#[test]
fn the_sign_in_link_is_printed_until_it_was_used_and_a_session_outlives_a_restart() {
    let mut centre = Centre::start();
    assert!(centre.first_line["exercise"].is_null());
    assert!(centre.first_line["sign_in"].is_string());
    let ended = centre.terminate();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");

    centre.start_again();
    let watch = centre.first();
    assert_eq!(watch.see("/api/v1/me")["person"]["id"], "watch");
    let agent = centre.person("agent-a1");
    let mut events = Events::open(&agent);
    events.heartbeat();
    let ended = centre.terminate();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");

    centre.start_again();
    assert!(centre.first_line["sign_in"].is_null(), "{}", centre.first_line);
    assert_eq!(agent.see("/api/v1/me")["person"]["id"], "agent-a1");
    centre.kill();
    centre.start_again();
    assert_eq!(watch.see("/api/v1/me")["person"]["id"], "watch");
}
