//! CAP: the rules of the schema and the slips of real files, each on a message made for it; writing and reading back;
//! signatures, ours and others'.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::Value;
use skypicket_model::{LatLon, Time};
use skypicket_wire::cap::{
    Alert, Area, Category, Certainty, Circle, DateTime, Info, MsgType, Name, NamedValue, Polygon, Reference, Resource,
    ResponseType, Scope, Severity, Status, Urgency, check,
    decode::decode,
    read::read,
    signature::{Trust, sign},
};

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn decoded(xml: &[u8]) -> Value {
    decode(xml, &Trust { now: time("2026-11-26T18:30:00Z"), pinned: &[] })
}

/// A message with every element there is.
const FULL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>OSA-14.2</identifier>
<sender>centre@example.org</sender>
<sent>2026-11-26T11:00:00-07:00</sent>
<status>Actual</status>
<msgType>Update</msgType>
<source>night desk</source>
<scope>Restricted</scope>
<restriction>TLP:AMBER</restriction>
<addresses>unit-a "unit b"</addresses>
<code>A</code>
<code>B</code>
<note>n</note>
<references>centre@example.org,OSA-14.1,2026-11-26T10:00:00-07:00</references>
<incidents>"case 7" 8</incidents>
<info>
<language>en</language>
<category>Security</category>
<category>Safety</category>
<event>Drone threat</event>
<responseType>Monitor</responseType>
<responseType>Avoid</responseType>
<urgency>Expected</urgency>
<severity>Severe</severity>
<certainty>Likely</certainty>
<audience>officers</audience>
<eventCode>
<valueName>SAME</valueName>
<value>LEW</value>
</eventCode>
<effective>2026-11-26T11:00:00-07:00</effective>
<onset>2026-11-26T11:00:00-07:00</onset>
<expires>2026-11-27T11:00:00-07:00</expires>
<senderName>Centre</senderName>
<headline>Drones</headline>
<description>What is known &amp; not</description>
<instruction>1. Armour</instruction>
<web>https://example.org/14</web>
<contact>555</contact>
<parameter>
<valueName>TLP</valueName>
<value>AMBER</value>
</parameter>
<resource>
<resourceDesc>map</resourceDesc>
<mimeType>image/png</mimeType>
<size>3</size>
<uri>https://example.org/m.png</uri>
<derefUri>AAAA</derefUri>
<digest>00</digest>
</resource>
<area>
<areaDesc>west of the bridge</areaDesc>
<polygon>31.7,-106.5 31.8,-106.5 31.8,-106.4 31.7,-106.5</polygon>
<circle>31.76,-106.49 5</circle>
<geocode>
<valueName>SAME</valueName>
<value>048141</value>
</geocode>
<altitude>0</altitude>
<ceiling>400.5</ceiling>
</area>
</info>
</alert>
"#;

const CAP_11: (&str, &str) = ("cap:1.2", "cap:1.1");

/// `FULL` with that changed, each of which must be there.
fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(FULL.to_owned(), |xml, (from, to)| {
        assert!(xml.contains(from), "{from}");
        xml.replacen(from, to, 1)
    })
}

#[test]
fn every_element_of_the_standard_is_read_under_its_own_name() {
    let v = decoded(FULL.as_bytes());
    assert_eq!((&v["ok"], &v["error"]), (&true.into(), &Value::Null), "{v}");
    let mut m = v["messages"][0].clone();
    let info = m["info"][0].take();
    assert_eq!(
        m,
        serde_json::json!({
            "msg": "alert", "version": "1.2", "identifier": "OSA-14.2", "sender": "centre@example.org",
            "sent": "2026-11-26T11:00:00-07:00", "status": "Actual", "msgType": "Update", "source": "night desk",
            "scope": "Restricted", "restriction": "TLP:AMBER", "addresses": ["unit-a", "unit b"], "code": ["A", "B"],
            "note": "n", "incidents": ["case 7", "8"], "info": [null], "problems": [], "flags": [],
            "references": [{"sender": "centre@example.org", "identifier": "OSA-14.1", "sent": "2026-11-26T10:00:00-07:00"}],
            "signature": {"state": "unsigned", "each": []},
        })
    );
    assert_eq!(
        info,
        serde_json::json!({
            "language": "en", "category": ["Security", "Safety"], "event": "Drone threat",
            "responseType": ["Monitor", "Avoid"], "urgency": "Expected", "severity": "Severe", "certainty": "Likely",
            "audience": "officers", "eventCode": [{"valueName": "SAME", "value": "LEW"}],
            "effective": "2026-11-26T11:00:00-07:00", "onset": "2026-11-26T11:00:00-07:00",
            "expires": "2026-11-27T11:00:00-07:00", "senderName": "Centre", "headline": "Drones",
            "description": "What is known & not", "instruction": "1. Armour", "web": "https://example.org/14",
            "contact": "555", "parameter": [{"valueName": "TLP", "value": "AMBER"}],
            "resource": [{"resourceDesc": "map", "mimeType": "image/png", "size": 3, "uri": "https://example.org/m.png",
                          "derefUri": "AAAA", "digest": "00"}],
            "area": [{"areaDesc": "west of the bridge",
                      "polygon": [[[31.7, -106.5], [31.8, -106.5], [31.8, -106.4], [31.7, -106.5]]],
                      "circle": [{"lat": 31.76, "lon": -106.49, "radius_km": 5.0}],
                      "geocode": [{"valueName": "SAME", "value": "048141"}], "altitude": 0.0, "ceiling": 400.5}],
        })
    );
}

#[test]
fn a_missing_element_that_has_to_be_there_is_refused_by_its_name() {
    for (element, of) in [
        ("<identifier>OSA-14.2</identifier>", "identifier"),
        ("<sender>centre@example.org</sender>", "sender"),
        ("<sent>2026-11-26T11:00:00-07:00</sent>", "sent"),
        ("<status>Actual</status>", "status"),
        ("<msgType>Update</msgType>", "msgType"),
        ("<scope>Restricted</scope>", "scope"),
    ] {
        let v = decoded(with(&[(element, "")]).as_bytes());
        // Nobody may guess an envelope: there is no alert.
        assert_eq!((&v["ok"], &v["messages"]), (&false.into(), &Value::Array(vec![])), "{of}");
        assert_eq!(v["error"]["message"], format!("{of}: <{of}> is missing"));
        assert_eq!(v["flags"], serde_json::json!(["element_missing"]));
    }
    for (element, path, name) in [
        ("<category>Security</category>\n<category>Safety</category>\n", "info[1]", "category"),
        ("<event>Drone threat</event>", "info[1]", "event"),
        ("<urgency>Expected</urgency>", "info[1]", "urgency"),
        ("<severity>Severe</severity>", "info[1]", "severity"),
        ("<certainty>Likely</certainty>", "info[1]", "certainty"),
        ("<valueName>SAME</valueName>", "info[1]/eventCode[1]", "valueName"),
        ("<value>LEW</value>", "info[1]/eventCode[1]", "value"),
        ("<resourceDesc>map</resourceDesc>", "info[1]/resource[1]", "resourceDesc"),
        ("<mimeType>image/png</mimeType>", "info[1]/resource[1]", "mimeType"),
        ("<areaDesc>west of the bridge</areaDesc>", "info[1]/area[1]", "areaDesc"),
    ] {
        let v = decoded(with(&[(element, "")]).as_bytes());
        assert_eq!(v["ok"], false, "{name}");
        assert_eq!(v["error"]["message"], format!("{path}/{name}: <{name}> is missing"));
        assert_eq!(v["messages"][0]["identifier"], "OSA-14.2", "what is good is kept");
    }
}

/// What a change makes of the message: `ok`, its flags, and where the first refused problem is.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], bool, &'a [&'a str]);

fn hold(cases: &[Case<'_>]) {
    for (name, changes, ok, flags) in cases {
        let v = decoded(with(changes).as_bytes());
        assert_eq!(v["ok"], *ok, "{name}: {v}");
        assert_eq!(v["messages"][0]["flags"], serde_json::json!(flags), "{name}");
        assert_eq!(v["messages"][0]["identifier"], "OSA-14.2", "{name}: the alert is kept");
    }
}

#[test]
fn what_the_schema_refuses_is_refused_and_the_alert_kept() {
    hold(&[
        (
            "order",
            &[("<event>Drone threat</event>\n", ""), ("<audience>", "<event>Drone threat</event>\n<audience>")],
            false,
            &["element_order"],
        ),
        ("twice", &[("<event>", "<event>First</event>\n<event>")], false, &["element_repeated"]),
        ("unknown", &[("<audience>", "<alarm>x</alarm><audience>")], false, &["element_unknown"]),
        (
            "other namespace",
            &[("<audience>", "<x:audience xmlns:x='urn:x'>x</x:audience><audience>")],
            false,
            &["element_unknown"],
        ),
        ("element in text", &[("officers", "<b>officers</b>")], false, &["element_unknown"]),
        ("text between", &[("<audience>", "stray<audience>")], false, &["text_unexpected"]),
        ("attribute", &[("<audience>", "<audience x='1'>")], false, &["attribute_unknown"]),
        ("attribute of an area", &[("<area>", "<area x='1'>")], false, &["attribute_unknown"]),
        ("category", &[("<category>Safety", "<category>Drones")], false, &["value_unknown"]),
        ("response", &[("Monitor", "Panic")], false, &["value_unknown"]),
        ("urgency", &[("<urgency>Expected", "<urgency>Soon")], false, &["value_unknown"]),
        ("severity, empty", &[("<severity>Severe", "<severity>")], false, &["value_unknown"]),
        ("certainty", &[("<certainty>Likely", "<certainty>likely")], false, &["value_unknown"]),
        ("expires", &[("<expires>2026-11-27T11:00:00-07:00", "<expires>tomorrow")], false, &["time_syntax"]),
        // The pattern of the schema takes a comma for a sign; no dateTime has one.
        (
            "a comma",
            &[("<onset>2026-11-26T11:00:00-07:00", "<onset>2026-11-26T11:00:00,07:00")],
            false,
            &["time_syntax"],
        ),
        ("no zone", &[("<sent>2026-11-26T11:00:00-07:00", "<sent>2026-11-26T18:00:00")], false, &["time_zone_missing"]),
        ("size", &[("<size>3", "<size>3 kB")], false, &["number_syntax"]),
        ("altitude", &[("<altitude>0", "<altitude>low")], false, &["ceiling_without_altitude", "number_syntax"]),
        ("language", &[("<language>en", "<language>not a code")], false, &["language_syntax"]),
    ]);
    let v = decoded(
        with(&[("<urgency>Expected", "<urgency>Soon"), ("<certainty>Likely", "<certainty>Very Likely")]).as_bytes(),
    );
    let info = &v["messages"][0]["info"][0];
    assert_eq!(info["urgency"], Value::Null, "not the sender's Unknown");
    assert_eq!(info["certainty"], "Likely", "what CAP 1.0 called Very Likely");
    assert_eq!(v["error"]["offset"], FULL.find("<urgency>").unwrap());
    let v = decoded(with(&[("<event>", "<event>First</event>\n<event>")]).as_bytes());
    assert_eq!(v["messages"][0]["info"][0]["event"], "First");
}

#[test]
fn a_bad_envelope_is_no_alert() {
    for (from, to, word) in [
        ("<status>Actual", "<status>actual", "value_unknown"),
        ("<msgType>Update", "<msgType>", "value_unknown"),
        ("<scope>Restricted", "<scope>Everybody", "value_unknown"),
        ("<sent>2026-11-26T11:00:00-07:00", "<sent>now", "time_syntax"),
        ("<identifier>OSA-14.2", "<identifier> ", "value_empty"),
        ("<sender>centre@example.org", "<sender>", "value_empty"),
    ] {
        let v = decoded(with(&[(from, to)]).as_bytes());
        assert_eq!((&v["ok"], &v["messages"]), (&false.into(), &serde_json::json!([])), "{from}");
        assert_eq!(v["flags"], serde_json::json!([word]), "{from}");
    }
}

#[test]
fn the_slips_of_real_files_are_taken_and_marked() {
    hold(&[
        ("Z", &[("<sent>2026-11-26T11:00:00-07:00", "<sent>2026-11-26T18:00:00Z")], true, &["time_form"]),
        (
            "a fraction",
            &[("<sent>2026-11-26T11:00:00-07:00", "<sent>2026-11-26T18:00:00.5-00:00")],
            true,
            &["time_form"],
        ),
        ("space around", &[("Actual", " Actual\n"), ("<expires>", "<expires> ")], true, &["value_space"]),
        ("an empty web", &[("<web>https://example.org/14</web>", "<web/>")], true, &[]),
        (
            "empty references of an update",
            &[("centre@example.org,OSA-14.1,2026-11-26T10:00:00-07:00", "")],
            true,
            &["references_empty"],
        ),
        (
            "no references",
            &[("<references>centre@example.org,OSA-14.1,2026-11-26T10:00:00-07:00</references>", "")],
            true,
            &["references_missing"],
        ),
        (
            "half a reference",
            &[("centre@example.org,OSA-14.1,", "a,b centre@example.org,OSA-14.1,")],
            true,
            &["references_syntax"],
        ),
        ("an open quote", &[("<addresses>unit-a \"unit b\"", "<addresses>unit-a \"unit b")], true, &["list_quotes"]),
        ("an empty polygon", &[("31.7,-106.5 31.8,-106.5 31.8,-106.4 31.7,-106.5", "")], true, &[]),
        ("a plus", &[("<polygon>31.7", "<polygon>+31.70")], true, &[]),
        ("a polygon with a stray comma", &[("31.8,-106.5 31.8", "31.8,-106.5, 31.8")], true, &["shape_syntax"]),
        ("an open polygon", &[("31.7,-106.5</polygon>", "31.7,-106.6</polygon>")], true, &["polygon_open"]),
        ("three points", &[(" 31.8,-106.4", "")], true, &["polygon_too_few_points"]),
        ("beyond the pole", &[("<circle>31.76", "<circle>91.76")], true, &["shape_out_of_range"]),
        ("a point", &[("-106.49 5<", "-106.49 0.0<")], true, &[]),
        ("a radius below zero", &[("-106.49 5<", "-106.49 -5<")], true, &["circle_radius"]),
        (
            "an end that is the beginning",
            &[("<expires>2026-11-27", "<expires>2026-11-26")],
            true,
            &["expires_not_after_start"],
        ),
        ("an identifier with a space", &[("<restriction>TLP:AMBER</restriction>", "")], true, &["restriction_missing"]),
        (
            "schema location",
            &[(
                "cap:1.2\"",
                "cap:1.2\" xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='a b'",
            )],
            true,
            &[],
        ),
        (
            "the profile's code",
            &[("<code>A", "<code>IPAWSv1.0"), ("<expires>2026-11-27T11:00:00-07:00</expires>", "")],
            true,
            &["ipaws_expires"],
        ),
    ]);
    let odd = decoded(with(&[("OSA-14.2", "OSA 14,2")]).as_bytes());
    assert_eq!((&odd["ok"], &odd["messages"][0]["flags"]), (&true.into(), &serde_json::json!(["name_characters"])));
    assert_eq!(odd["messages"][0]["identifier"], "OSA 14,2");
    let v = decoded(
        with(&[("31.8,-106.5 31.8", "31.8,-106.5, 31.8"), ("<web>https://example.org/14</web>", "<web> </web>")])
            .as_bytes(),
    );
    let info = &v["messages"][0]["info"][0];
    assert_eq!(info["area"][0]["polygon"], serde_json::json!([]), "without that shape");
    assert_eq!(info["area"][0]["circle"][0]["radius_km"], 5.0, "with the others");
    assert_eq!(info["web"], Value::Null);
}

#[test]
fn cap_1_1_has_its_own_rules() {
    hold(&[
        (
            "any dateTime",
            &[CAP_11, ("Avoid", "None"), ("<onset>2026-11-26T11:00:00-07:00", "<onset>2026-11-26T18:00:00.25Z")],
            true,
            &[],
        ),
        (
            "no zone",
            &[CAP_11, ("Avoid", "None"), ("<sent>2026-11-26T11:00:00-07:00", "<sent>2026-11-26T18:00:00")],
            true,
            &["time_zone_missing"],
        ),
        ("a new word", &[CAP_11], false, &["value_unknown"]),
        ("no mimeType", &[CAP_11, ("Avoid", "None"), ("<mimeType>image/png</mimeType>\n", "")], true, &[]),
        (
            "a height in words",
            &[CAP_11, ("Avoid", "None"), ("<ceiling>400.5", "<ceiling>high")],
            true,
            &["number_syntax"],
        ),
        (
            "a signature",
            &[
                CAP_11,
                ("Avoid", "None"),
                ("</alert>", "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/></alert>"),
            ],
            true,
            &["signature_unexpected"],
        ),
    ]);
    assert_eq!(decoded(with(&[CAP_11]).as_bytes())["messages"][0]["version"], "1.1");
}

#[test]
fn names_are_compared_by_namespace_and_never_by_prefix() {
    let prefixed = FULL
        .replace("</", "</c:")
        .replace('<', "<c:")
        .replace("<c:/c:", "</c:")
        .replace("<c:?", "<?")
        .replace("xmlns=", "xmlns:c=");
    let (mut a, b) = (decoded(prefixed.as_bytes()), decoded(FULL.as_bytes()));
    assert_eq!(a["messages"][0].take(), b["messages"][0]);
    for (xml, word) in [
        (FULL.replace("cap:1.2", "cap:1.0"), "cap_root"),
        (FULL.replace(" xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"", ""), "cap_root"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'/>".into(), "cap_root"),
        (FULL.replace("?>\n", "?><!DOCTYPE alert [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"), "xml_dtd"),
        (FULL.replace("night desk", "&x;"), "xml_entity"),
        (String::new(), "xml_truncated"),
    ] {
        let v = decoded(xml.as_bytes());
        assert_eq!(
            (&v["ok"], &v["messages"], &v["error"]["kind"]),
            (&false.into(), &serde_json::json!([]), &word.into())
        );
    }
}

#[test]
fn latin_1_is_read() {
    let mut xml = with(&[("UTF-8", "ISO-8859-1"), ("night desk", "garde de nuit ~")]).into_bytes();
    *xml.iter_mut().find(|b| **b == b'~').unwrap() = 0xe9;
    assert_eq!(decoded(&xml)["messages"][0]["source"], "garde de nuit \u{e9}");
}

// ---- writing ----

fn arbitrary_text() -> impl Strategy<Value = String> {
    "[ -~\u{a0}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}\n\r\t]{0,24}"
}

fn some_text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(arbitrary_text()).prop_map(|t| t.filter(|t| !t.trim_ascii().is_empty()))
}

fn token() -> impl Strategy<Value = String> {
    "[!-%'-+\\--;=-~\u{e9}]{1,20}"
}

fn any_time() -> impl Strategy<Value = DateTime> {
    (any::<i64>(), -840..=840i16).prop_map(|(us, offset)| DateTime::with_offset(Time::from_micros(us), offset))
}

fn any_named() -> impl Strategy<Value = Vec<NamedValue>> {
    proptest::collection::vec((arbitrary_text(), arbitrary_text()).prop_map(|(n, v)| NamedValue::new(n, v)), 0..3)
}

fn items() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[!#-~\u{e9}]{1,6}( [!#-~\u{e9}]{1,6}){0,2}", 0..4)
}

fn any_area() -> impl Strategy<Value = Area> {
    let place = || (-90.0..=90.0f64, -180.0..=180.0f64);
    let polygon = proptest::collection::vec(place(), 3..6).prop_map(|points| {
        let mut points: Vec<_> = points.into_iter().map(|(lat_deg, lon_deg)| LatLon { lat_deg, lon_deg }).collect();
        points.push(points[0]);
        Polygon::new(points).unwrap()
    });
    let circle = (place(), 0.0..20_000.0f64).prop_map(|((lat, lon), r)| Circle::new(lat, lon, r).unwrap());
    let feet = || proptest::option::of(-1e5..1e6f64);
    let shapes = (proptest::collection::vec(polygon, 0..3), proptest::collection::vec(circle, 0..3));
    (arbitrary_text(), shapes, any_named(), feet(), feet()).prop_map(
        |(area_desc, (polygon, circle), geocode, altitude, ceiling)| Area {
            area_desc,
            polygon,
            circle,
            geocode,
            altitude,
            ceiling,
        },
    )
}

fn any_resource() -> impl Strategy<Value = Resource> {
    let rest = (some_text(), some_text(), some_text());
    (arbitrary_text(), arbitrary_text(), any::<Option<u64>>(), rest).prop_map(
        |(resource_desc, mime_type, size, (uri, deref_uri, digest))| Resource {
            resource_desc,
            mime_type,
            size,
            uri,
            deref_uri,
            digest,
        },
    )
}

fn any_info() -> impl Strategy<Value = Info> {
    use prop::sample::select;
    let words = (
        proptest::collection::vec(select(Category::ALL), 1..3),
        proptest::collection::vec(select(ResponseType::ALL), 0..3),
        select(Urgency::ALL),
        select(Severity::ALL),
        select(Certainty::ALL),
        proptest::option::of("[a-z]{2,3}(-[A-Za-z0-9]{2,8})?"),
    );
    let times = (proptest::option::of(any_time()), proptest::option::of(any_time()), proptest::option::of(any_time()));
    let texts = (some_text(), some_text(), some_text(), some_text(), some_text(), some_text(), some_text());
    let lists = (
        any_named(),
        any_named(),
        proptest::collection::vec(any_resource(), 0..2),
        proptest::collection::vec(any_area(), 0..3),
    );
    (arbitrary_text(), words, times, texts, lists).prop_map(|(event, w, t, x, l)| Info {
        language: w.5,
        category: w.0,
        event,
        response_type: w.1,
        urgency: w.2,
        severity: w.3,
        certainty: w.4,
        audience: x.0,
        event_code: l.0,
        effective: t.0,
        onset: t.1,
        expires: t.2,
        sender_name: x.1,
        headline: x.2,
        description: x.3,
        instruction: x.4,
        web: x.5,
        contact: x.6,
        parameter: l.1,
        resource: l.2,
        area: l.3,
    })
}

fn any_alert() -> impl Strategy<Value = Alert> {
    use prop::sample::select;
    let reference =
        (token(), token(), token()).prop_map(|(sender, identifier, sent)| Reference { sender, identifier, sent });
    let words = (select(Status::ALL), select(MsgType::ALL), select(Scope::ALL));
    let texts = (some_text(), some_text(), some_text());
    let lists = (
        items(),
        proptest::collection::vec(arbitrary_text(), 0..3),
        proptest::collection::vec(reference, 0..3),
        items(),
    );
    (token(), token(), any_time(), words, texts, lists, proptest::collection::vec(any_info(), 0..3)).prop_map(
        |(identifier, sender, sent, w, x, l, info)| Alert {
            identifier: Name::new(&identifier).unwrap(),
            sender: Name::new(&sender).unwrap(),
            sent,
            status: w.0,
            msg_type: w.1,
            scope: w.2,
            source: x.0,
            restriction: x.1,
            note: x.2,
            addresses: l.0,
            code: l.1,
            references: l.2,
            incidents: l.3,
            info,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_valid_and_reads_back_the_same(a in any_alert()) {
        let xml = a.to_xml();
        let back = read(xml.as_bytes()).unwrap();
        prop_assert!(back.is_valid(), "{:?}\n{}", back.problems, xml);
        prop_assert_eq!(back.alert.unwrap(), a);
    }

    #[test]
    fn any_text_at_all_can_be_written(text in proptest::collection::vec(any::<char>(), 0..12), us in any::<i64>()) {
        // With what no XML can hold.
        let text: String = text.into_iter().chain("\u{0}\u{b}\u{fffe}\r".chars()).collect();
        let mut a = Alert::new(Name::new("1").unwrap(), Name::new("s").unwrap(), DateTime::utc(Time::from_micros(us)));
        a.addresses = vec![text.clone()];
        a.references = vec![Reference { sender: text.clone(), identifier: text.clone(), sent: text.clone() }];
        a.note = Some(text.clone());
        let mut i = Info::new(Category::Other, text.clone());
        i.area.push(Area { altitude: Some(f64::NAN), ..Area::new(text.clone()) });
        i.parameter(text.clone(), text);
        a.info.push(i);
        prop_assert!(read(a.to_xml().as_bytes()).unwrap().is_valid());
    }

    #[test]
    fn no_bytes_make_a_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..200), at in 0..FULL.len(), cut in 0..60usize,
    ) {
        decoded(&noise);
        let mut bytes = FULL.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, noise.iter().copied().take(cut / 4));
        decoded(&bytes);
        let mut inside = FULL.as_bytes().to_vec();
        inside.splice(at..at, noise.iter().filter(|b| b.is_ascii_graphic()).copied());
        decoded(&inside);
    }

    #[test]
    fn no_signature_makes_a_panic(at in 0..4000usize, noise in "[<>/a-zA-Z0-9=\"# ]{0,12}", which in 0..VECTORS.len()) {
        let (name, ..) = VECTORS[which];
        let mut bytes = vector(name);
        let at = at.min(bytes.len());
        bytes.splice(at..at, noise.bytes());
        decoded(&bytes);
    }
}

#[test]
fn the_order_is_the_schemas_and_utc_has_its_own_sign() {
    let mut a =
        Alert::new(Name::new("1").unwrap(), Name::new("s").unwrap(), DateTime::utc(time("2026-01-02T03:04:05.9Z")));
    a.info.push(Info::new(Category::Cbrne, "e"));
    let xml = a.to_xml();
    assert!(xml.contains("<sent>2026-01-02T03:04:05-00:00</sent>"), "{xml}");
    assert!(xml.contains("<category>CBRNE</category>"));
    // Nothing but what is said: no empty elements.
    assert!(!xml.contains("/>") && !xml.contains("></"), "{xml}");
    assert_eq!(check::alert(&a).iter().map(|p| p.word).collect::<Vec<_>>(), ["addresses_missing"]);
}

// ---- signatures ----

/// Ours in `testdata/cap`, signed by xmlsec1: name, state and doubts without anything pinned.
const VECTORS: &[(&str, &str, &[&str])] = &[
    ("rsa-sha1-inclusive-keyvalue", "verified_with_doubt", &["sha1", "no_certificate"]),
    ("rsa-sha256-exclusive-x509-prefixed", "verified_with_doubt", &["issuer_unknown"]),
    ("rsa-sha256-inclusive-sha1-digest", "verified_with_doubt", &["sha1", "issuer_unknown"]),
    ("rsa-sha256-latin1", "verified_with_doubt", &["issuer_unknown"]),
    ("ecdsa-sha256-exclusive-x509", "verified_with_doubt", &["issuer_unknown"]),
    ("ecdsa-sha256-comments-no-key", "cannot_be_checked", &[]),
    ("rsa-1024-keyvalue", "cannot_be_checked", &[]),
];

fn vector(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cap").join(format!("{name}.xml"));
    std::fs::read(path).unwrap()
}

fn pinned(name: &str) -> Vec<u8> {
    use rustls_pki_types::{CertificateDer, pem::PemObject};
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cap").join(name);
    CertificateDer::from_pem_file(path).unwrap().to_vec()
}

/// State of the whole, and of each signature its state and doubts.
fn standing(xml: &[u8], now: &str, pinned: &[Vec<u8>]) -> (String, Vec<String>) {
    let v = decode(xml, &Trust { now: time(now), pinned });
    let s = &v["messages"][0]["signature"];
    let each = s["each"].as_array().unwrap_or_else(|| panic!("{v}"));
    let one = |f: &Value| {
        let doubts: Vec<_> = f["doubts"].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect();
        format!("{} {}", f["state"].as_str().unwrap(), doubts.join("+")).trim_end().to_owned()
    };
    (s["state"].as_str().unwrap().to_owned(), each.iter().map(one).collect())
}

const NOW: &str = "2027-01-01T00:00:00Z";

#[test]
fn the_signatures_of_another_program_are_verified_over_the_bytes_that_came() {
    for (name, state, doubts) in VECTORS {
        let (whole, each) = standing(&vector(name), NOW, &[]);
        assert_eq!((whole.as_str(), each.len()), (*state, 1), "{name}");
        assert_eq!(each[0], format!("{state} {}", doubts.join("+")).trim_end(), "{name}");
    }
    let both = [pinned("rsa.pem"), pinned("ec.pem")];
    for (name, state, doubts) in [
        ("rsa-sha256-exclusive-x509-prefixed", "verified", ""),
        ("rsa-sha256-latin1", "verified", ""),
        ("ecdsa-sha256-exclusive-x509", "verified", ""),
        ("rsa-sha256-inclusive-sha1-digest", "verified_with_doubt", " sha1"),
        // No key inside: a pinned one is tried.
        ("ecdsa-sha256-comments-no-key", "verified", ""),
    ] {
        let expect = (state.to_owned(), vec![format!("{state}{doubts}")]);
        assert_eq!(standing(&vector(name), NOW, &both), expect, "{name}");
    }
    let late = standing(&vector("ecdsa-sha256-exclusive-x509"), "2200-01-01T00:00:00Z", &both);
    assert_eq!(late.1, ["verified_with_doubt certificate_expired"]);
    let early = standing(&vector("ecdsa-sha256-exclusive-x509"), "2019-01-01T00:00:00Z", &both);
    assert_eq!(early.1, ["verified_with_doubt certificate_expired"]);
}

#[test]
fn one_changed_letter_breaks_each_signature_and_a_changed_comment_none() {
    for (name, state, _) in VECTORS.iter().filter(|v| v.1 != "cannot_be_checked") {
        let text = vector(name);
        let change = |from: &str, to: &str| {
            let at =
                text.windows(from.len()).position(|w| w == from.as_bytes()).unwrap_or_else(|| panic!("{name} {from}"));
            let mut out = text.clone();
            out.splice(at..at + from.len(), to.bytes());
            standing(&out, NOW, &[]).0
        };
        assert_eq!(change("Drone threat", "Drone treat"), "broken", "{name}");
        assert_eq!(change("Test<", "Actual<"), "broken", "{name}");
        assert_eq!(change("\n  <", "\n <"), "broken", "{name}: layout is signed");
        assert_eq!(change("<!-- not signed -->", "<!-- -->"), *state, "{name}");
        assert_eq!(change("Reference URI=\"\"", "Reference URI=\"#x\""), "cannot_be_checked", "{name}");
        assert_eq!(change("#enveloped-signature", "#enveloped"), "cannot_be_checked", "{name}");
    }
}

/// A key and its certificate, issued by `issuer` or by itself.
struct Signer {
    key: rcgen::KeyPair,
    params: rcgen::CertificateParams,
    der: Vec<u8>,
}

fn signer(name: &str, issuer: Option<&Signer>, from: i32, until: i32) -> Signer {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    if name.starts_with("issuer") {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    } else {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::EmailProtection];
    }
    let der = match issuer {
        None => params.self_signed(&key).unwrap().der().to_vec(),
        Some(i) => params.signed_by(&key, &rcgen::Issuer::from_params(&i.params, &i.key)).unwrap().der().to_vec(),
    };
    Signer { key, params, der }
}

impl Signer {
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        use ring::{
            rand::SystemRandom,
            signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
        };
        let rng = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.key.serialize_der(), &rng).unwrap();
        key.sign(&rng, bytes).map(|s| s.as_ref().to_vec())
    }
}

fn to_sign() -> Alert {
    read(FULL.as_bytes()).unwrap().alert.unwrap()
}

#[test]
fn what_we_sign_is_verified_and_known_by_its_issuer() {
    let issuer = signer("issuer", None, 2026, 2036);
    let other = signer("issuer other", None, 2026, 2036);
    let leaf = signer("centre", Some(&issuer), 2026, 2028);
    let xml = sign(&to_sign(), &leaf.der, |b| leaf.sign(b)).unwrap();
    let at = |now: &str, pinned: &[Vec<u8>]| standing(xml.as_bytes(), now, pinned).1.remove(0);
    assert_eq!(at(NOW, std::slice::from_ref(&issuer.der)), "verified");
    assert_eq!(at(NOW, std::slice::from_ref(&leaf.der)), "verified");
    assert_eq!(at(NOW, &[]), "verified_with_doubt issuer_unknown");
    assert_eq!(at(NOW, std::slice::from_ref(&other.der)), "verified_with_doubt issuer_unknown");
    // Valid then, expired now: the issuer is still known.
    assert_eq!(
        at("2030-01-01T00:00:00Z", std::slice::from_ref(&issuer.der)),
        "verified_with_doubt certificate_expired"
    );
    assert_eq!(at("2030-01-01T00:00:00Z", &[]), "verified_with_doubt certificate_expired+issuer_unknown");
    assert_eq!(read(xml.as_bytes()).unwrap().alert.unwrap(), to_sign());
    assert!(read(xml.as_bytes()).unwrap().is_valid());
}

#[test]
fn a_certificate_that_is_not_of_the_key_is_refused_when_signing() {
    let (a, b) = (signer("a", None, 2026, 2036), signer("b", None, 2026, 2036));
    let wrong = sign(&to_sign(), &a.der, |bytes| b.sign(bytes)).unwrap_err().to_string();
    assert!(wrong.contains("belong together"), "{wrong}");
    assert!(sign(&to_sign(), b"no certificate", |bytes| b.sign(bytes)).is_err());
    assert!(sign(&to_sign(), &a.der, |_| Ok::<_, ring::error::Unspecified>(vec![0; 64])).is_err());
    assert!(sign(&to_sign(), &a.der, |_| Err::<Vec<u8>, _>("locked")).unwrap_err().to_string().contains("locked"));
}

/// The signature element of a message.
fn signature_of(xml: &str) -> &str {
    let (from, to) = (xml.find("<Signature").unwrap(), xml.find("</alert>").unwrap());
    xml.get(from..to).unwrap()
}

#[test]
fn two_signatures_are_checked_with_both_left_out_and_as_a_stock_verifier_does() {
    let stock = vector("two-signatures-stock-and-both-left-out");
    let each = vec!["verified_with_doubt issuer_unknown".to_owned(); 2];
    assert_eq!(standing(&stock, NOW, &[]), ("verified_with_doubt".into(), each));
    let (a, b) = (signer("a", None, 2026, 2036), signer("b", None, 2026, 2036));
    let first = sign(&to_sign(), &a.der, |x| a.sign(x)).unwrap();
    let second = sign(&to_sign(), &b.der, |x| b.sign(x)).unwrap();
    let both = first.replace("</alert>", &format!("{}</alert>", signature_of(&second)));
    let known = [a.der.clone(), b.der.clone()];
    assert_eq!(standing(both.as_bytes(), NOW, &known), ("verified".into(), vec!["verified".into(); 2]));
    assert_eq!(standing(both.as_bytes(), NOW, &known[..1]).0, "verified", "one whom we know speaks for it");
    assert_eq!(standing(both.as_bytes(), NOW, &[]).0, "verified_with_doubt");
    // Changed by somebody who then signs with a key of their own: the first is broken and nobody known speaks.
    let forged = both.replace("Drone threat", "No threat");
    assert_eq!(standing(forged.as_bytes(), NOW, &known), ("broken".into(), vec!["broken".into(); 2]));
    let mut mine = to_sign();
    mine.info[0].event = "No threat".into();
    let own = sign(&mine, &b.der, |x| b.sign(x)).unwrap();
    let mixed = own.replace("</alert>", &format!("{}</alert>", signature_of(&first)));
    assert_eq!(
        standing(mixed.as_bytes(), NOW, &known[..1]),
        ("broken".into(), vec!["verified_with_doubt issuer_unknown".into(), "broken".into()])
    );
}

#[test]
fn what_is_signed_cannot_be_moved_into_another_message() {
    let a = signer("a", None, 2026, 2036);
    let good = sign(&to_sign(), &a.der, |x| a.sign(x)).unwrap();
    // The signature inside an info, or the signed message inside a signature: neither counts.
    let moved = FULL.replace("</info>", &format!("{}</info>", signature_of(&good)));
    let v = decoded(moved.as_bytes());
    assert_eq!((&v["ok"], &v["messages"][0]["signature"]["state"]), (&false.into(), &"unsigned".into()));
    let body = good.split_once("?>").unwrap().1;
    let wrapped = FULL.replace("OSA-14.2", "EVIL").replace(
        "</alert>",
        &format!(
            "{}</alert>",
            signature_of(&good).replace("</Signature>", &format!("<Object>{body}</Object></Signature>"))
        ),
    );
    assert_eq!(standing(wrapped.as_bytes(), NOW, std::slice::from_ref(&a.der)).0, "broken");
    let hidden = good.replace("</Signature>", "<info/></Signature>");
    assert_eq!(
        decode(hidden.as_bytes(), &Trust { now: time(NOW), pinned: &[] })["messages"][0]["info"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_cannot_be_checked_says_why() {
    let a = signer("a", None, 2026, 2036);
    let good = sign(&to_sign(), &a.der, |x| a.sign(x)).unwrap();
    let none =
        FULL.replace("</alert>", "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'> ... </Signature></alert>");
    let five = good.replace("</alert>", &format!("{}</alert>", signature_of(&good).repeat(4)));
    for (xml, why) in [
        (none, "no SignedInfo"),
        (good.replace("#ecdsa-sha256", "#ecdsa-sha512"), "algorithm"),
        (good.replace("#sha256\"/><DigestValue", "#sha3\"/><DigestValue"), "digest"),
        (good.replacen("xml-exc-c14n#", "xml-c14n11", 1), "canonical form"),
        (good.replace("<Reference", "<Reference URI=\"\"/><Reference"), "more than one Reference"),
        (good.replace("<SignatureValue>", "<SignatureValue>*"), "SignatureValue"),
        (good.replace("<KeyInfo>", "<KeyInfo/><Nothing>").replace("</KeyInfo></Sig", "</Nothing></Sig"), "no key"),
        (five, "5 signatures"),
    ] {
        let s = decoded(xml.as_bytes())["messages"][0]["signature"].clone();
        assert_eq!(s["state"], "cannot_be_checked", "{why}: {s}");
        assert!(s["each"][0]["reason"].as_str().unwrap().contains(why), "{s}");
    }
}

#[test]
fn the_worst_message_of_the_largest_size_is_done_in_bounded_time() {
    let scope = (0..60).map(|k| format!(" xmlns:p{k}='urn:{k}'")).collect::<Vec<_>>().concat();
    let list = (0..16).map(|k| format!("p{k}")).collect::<Vec<_>>().join(" ");
    let leaves = "<p59:a p58:b='1' p57:c='2'>&amp;</p59:a>".repeat(19_000);
    let a = signer("a", None, 2026, 2036);
    let good = sign(&to_sign(), &a.der, |x| a.sign(x)).unwrap();
    let one = signature_of(&good).replace(
        "xml-exc-c14n#\"/></Transforms>",
        &format!("xml-exc-c14n#\"><i:InclusiveNamespaces xmlns:i='http://www.w3.org/2001/10/xml-exc-c14n#' PrefixList='{list}'/></Transform></Transforms>"),
    );
    let xml = FULL
        .replace("<alert", &format!("<alert{scope}"))
        .replace("</alert>", &format!("{leaves}{}</alert>", one.repeat(4)));
    let begun = std::time::Instant::now();
    let v = decoded(xml.as_bytes());
    assert_eq!(v["messages"][0]["signature"]["state"], "broken", "{}", v["error"]);
    // Some seconds without optimisation; far from what a quadratic step would take.
    assert!(begun.elapsed().as_secs() < 600, "{:?}", begun.elapsed());
}
