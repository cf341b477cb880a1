// The manual: plain pages, nothing fetched from anywhere, every link inside it checked at build.
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';

const PROMISES = [
  'Durable before “received”',
  'Same record, same result',
  'Every warning explains itself',
  'Delivered or visibly not',
  'Nobody sees what is not theirs',
  'Bounded everywhere',
  'Bad input is an event',
  'Unknown is a value',
  'Exercise and live never mix',
  'No warning waits',
];

export default defineConfig({
  lang: 'en',
  title: 'Skypicket',
  description: 'From the first report of a drone to a warning that everyone in danger has acknowledged.',
  ignoreDeadLinks: false,
  lastUpdated: false,
  head: [['link', { rel: 'icon', href: '/icon.svg' }]],
  // Beside the pages, as they are: what programs read.
  async buildEnd(site) {
    await copyFile(join(site.srcDir, 'openapi.json'), join(site.outDir, 'openapi.json'));
    await copyFile(join(site.srcDir, 'admin/skypicket.example.toml'), join(site.outDir, 'skypicket.example.toml'));
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Operator', link: '/guide/operator' },
      { text: 'Integrator', link: '/guide/integrator' },
      { text: 'Administrator', link: '/guide/administrator' },
      { text: 'Architecture', link: '/architecture' },
    ],
    sidebar: [
      {
        text: 'Using it',
        items: [
          { text: 'What it is', link: '/' },
          { text: 'Operator: console and phone', link: '/guide/operator' },
          { text: 'Analyst: intelligence reports', link: '/guide/analyst' },
          { text: 'Integrator: sensors, TAK, API', link: '/guide/integrator' },
          { text: 'Administrator: running it', link: '/guide/administrator' },
          { text: 'Permissions', link: '/admin/permissions' },
          { text: 'What it never does', link: '/defensive' },
          { text: '28 CFR 23.20, line by line', link: '/compliance' },
        ],
      },
      {
        text: 'Formats',
        items: [
          { text: 'Observation lines', link: '/formats/observation-lines' },
          { text: 'Remote ID', link: '/formats/remote-id' },
          { text: 'Captures', link: '/formats/capture' },
          { text: 'Receivers and gateways', link: '/formats/receivers' },
          { text: 'MAVLink', link: '/formats/mavlink' },
          { text: 'ADS-B', link: '/formats/adsb' },
          { text: 'Network Remote ID', link: '/formats/network-remote-id' },
          { text: 'Cursor on Target', link: '/formats/cot' },
          { text: 'Common Alerting Protocol', link: '/formats/cap' },
          { text: 'Webhooks and relays', link: '/formats/webhook' },
          { text: 'Bulletins in every form', link: '/formats/bulletins' },
          { text: 'Mail and short messages', link: '/formats/mail-and-sms' },
          { text: 'Dissemination log', link: '/formats/dissemination-log' },
          { text: 'COURAGEOUS', link: '/formats/courageous' },
          { text: 'Evaluation scenes and scores', link: '/formats/evaluation' },
        ],
      },
      {
        text: 'How it is built',
        items: [
          { text: 'Architecture', link: '/architecture' },
          { text: 'Performance', link: '/performance' },
          { text: 'Tracking results', link: '/tracking-results' },
          { text: 'Threat model', link: '/security/threat-model' },
          { text: 'The ten promises', link: '/promises/' },
          ...PROMISES.map((text, i) => ({ text: `${i + 1}. ${text}`, link: `/promises/${i + 1}` })),
          { text: 'Twenty faults', link: '/promises/faults' },
        ],
      },
    ],
    docFooter: { prev: false, next: false },
  },
});
