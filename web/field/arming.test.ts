import { expect, test } from 'vitest';
import { checks, HELPS, missing, NEEDS, type ArmingFacts, type Help, type Need, type Standing } from './arming';

const ready: ArmingFacts = {
  nowMs: 1_000_000,
  signedIn: true,
  heard: true,
  deaf: false,
  positionAllowed: true,
  fix: { at: { lat_deg: 1, lon_deg: 2, alt_hae_m: null }, accuracy_m: 8, atMs: 999_000, byHand: false },
  positionSentMs: 998_000,
  screenHeld: true,
  screenByHand: false,
  soundOn: true,
  audible: true,
  vibrates: true,
  compass: 'works',
  pushWanted: true,
  notifications: 'granted',
  pushWorks: true,
  persisted: true,
  opensOffline: true,
  installed: true,
  clockOffMs: 200,
};

test('armed only when nothing is missing', () => {
  expect(missing(ready)).toEqual([]);
  const table: [Partial<ArmingFacts>, Need[]][] = [
    [{ signedIn: false, heard: false, positionSentMs: null }, ['session']],
    [{ heard: false }, ['heard']],
    [{ deaf: true }, ['heard']],
    [{ positionAllowed: false }, ['position']],
    [{ fix: null }, ['position']],
    [{ positionSentMs: null }, ['sent']],
    [{ positionSentMs: 930_000 }, ['sent']],
    // A clock that was set back must not keep an old position fresh.
    [{ positionSentMs: 9_000_000 }, ['sent']],
    [{ screenHeld: false }, ['screen']],
    [{ screenHeld: false, screenByHand: true }, []],
    [{ soundOn: false }, ['sound']],
    [{ notifications: 'denied', pushWorks: false }, ['notifications']],
    [{ notifications: 'denied', pushWorks: false, pushWanted: false }, []],
    [{ deaf: true, soundOn: false, screenHeld: false }, ['heard', 'screen', 'sound']],
  ];
  for (const [facts, expected] of table) expect(missing({ ...ready, ...facts }), JSON.stringify(facts)).toEqual(expected);
});

test('a position typed by hand arms without permission', () => {
  expect(missing({ ...ready, positionAllowed: false, fix: { ...ready.fix!, byHand: true } })).toEqual([]);
});

test('what only helps disarms nobody, and push alone arms nobody', () => {
  const table: [Help, Partial<ArmingFacts>, Standing][] = [
    ['audible', { audible: null }, 'advised'],
    ['audible', { audible: false }, 'advised'],
    ['vibration', { vibrates: false }, 'cannot'],
    ['compass', { compass: 'ask' }, 'advised'],
    ['compass', { compass: 'none' }, 'cannot'],
    ['push', { pushWanted: false }, 'advised'],
    ['push', { pushWorks: false }, 'advised'],
    ['push', { pushWanted: false, notifications: 'none' }, 'cannot'],
    ['storage', { persisted: false }, 'advised'],
    ['storage', { persisted: null }, 'cannot'],
    ['offline', { opensOffline: false }, 'advised'],
    ['installed', { installed: false }, 'advised'],
    ['clock', { clockOffMs: -31_000 }, 'advised'],
  ];
  for (const [what, facts, is] of table) {
    expect(checks({ ...ready, ...facts }).find((c) => c.what === what)?.is, `${what} ${JSON.stringify(facts)}`).toBe(is);
    expect(missing({ ...ready, ...facts }), what).toEqual([]);
  }
  expect(missing({ ...ready, deaf: true, pushWorks: true })).toEqual(['heard']);
});

test('every need and help has its row, once', () => {
  expect(checks(ready).map((c) => c.what)).toEqual([...NEEDS, ...HELPS]);
});
