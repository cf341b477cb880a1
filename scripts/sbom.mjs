// What is in the program, as CycloneDX 1.6 JSON on standard output: every crate that is linked in on this machine's target, or
// runs while it is built, and every npm package of the pages. From the lock files; the same for the same commit.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (command, ...args) =>
  execFileSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] });
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? run('git', 'log', '-1', '--format=%ct').trim());
const target = run('rustc', '-vV').match(/^host: (.*)$/m)[1];

// ---- crates ----
const metadata = JSON.parse(run('cargo', 'metadata', '--locked', '--format-version=1', `--filter-platform=${target}`));
const packages = new Map(metadata.packages.map((p) => [p.id, p]));
const nodes = new Map(metadata.resolve.nodes.map((n) => [n.id, n]));
const program = metadata.packages.find((p) => p.name === 'skypicket' && p.source === null);
const checksums = new Map(
  [...readFileSync(join(root, 'Cargo.lock'), 'utf8').matchAll(/name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"/g)].map(
    ([, name, version, sum]) => [`${name}@${version}`, sum],
  ),
);
const purl = (p) => `pkg:cargo/${p.name}@${p.version}`;
/** What each depends on, without what only tests need; `scope` says whether it is in the program or only runs to build it. */
const reached = new Map();
function walk(id, scope) {
  const known = reached.get(id);
  if (known === 'required' || known === scope) return;
  reached.set(id, scope);
  for (const dep of nodes.get(id).deps) {
    const kinds = dep.dep_kinds.map((k) => k.kind);
    const macro = packages.get(dep.pkg).targets.some((t) => t.kind.includes('proc-macro'));
    if (kinds.includes(null)) walk(dep.pkg, macro ? 'excluded' : scope);
    else if (kinds.includes('build')) walk(dep.pkg, 'excluded');
  }
}
walk(program.id, 'required');

const license = (text) => (text ? [/ (AND|OR|WITH) /.test(text) || text.includes('/') ? { expression: text.replaceAll('/', ' OR ') } : { license: { id: text } }] : undefined);
const cargo = [...reached]
  .filter(([id]) => id !== program.id)
  .map(([id, scope]) => {
    const p = packages.get(id);
    const sum = checksums.get(`${p.name}@${p.version}`);
    return {
      type: 'library', 'bom-ref': purl(p), name: p.name, version: p.version, scope,
      ...(sum ? { hashes: [{ alg: 'SHA-256', content: sum }] } : {}),
      ...(p.license ? { licenses: license(p.license) } : {}), purl: purl(p),
      ...(p.repository?.startsWith('http') ? { externalReferences: [{ type: 'vcs', url: p.repository }] } : {}),
    };
  });
const edges = [...reached.keys()].map((id) => ({
  ref: purl(packages.get(id)),
  dependsOn: [...new Set(nodes.get(id).deps.filter((d) => reached.has(d.pkg) && d.dep_kinds.some((k) => k.kind !== 'dev')).map((d) => purl(packages.get(d.pkg))))].sort(),
}));

// ---- npm: what the pages are built from; the lock file names each with its hash ----
const lock = JSON.parse(readFileSync(join(root, 'web/package-lock.json'), 'utf8'));
const npm = new Map();
for (const [path, p] of Object.entries(lock.packages)) {
  if (path === '' || p.link || p.optional) continue;
  const name = p.name ?? path.split('node_modules/').pop();
  const ref = `pkg:npm/${name.replace('@', '%40')}@${p.version}`;
  const [alg, content] = p.integrity?.split(' ')[0].split('-') ?? [];
  const entry = {
    type: 'library', 'bom-ref': ref, name, version: p.version, scope: p.dev ? 'excluded' : 'required',
    ...(alg === 'sha512' ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(content, 'base64').toString('hex') }] } : {}),
    ...(p.license ? { licenses: license(p.license) } : {}), purl: ref,
  };
  if (npm.get(ref)?.scope !== 'required') npm.set(ref, entry);
}
const pages = [...npm.values()];
edges.find((e) => e.ref === purl(program)).dependsOn.push(...pages.filter((p) => p.scope === 'required').map((p) => p['bom-ref']));

const by = (key) => (a, b) => (a[key] < b[key] ? -1 : Number(a[key] > b[key]));
const components = [...cargo, ...pages].sort(by('bom-ref'));
const body = {
  metadata: {
    timestamp: new Date(epoch * 1000).toISOString().replace('.000Z', 'Z'),
    component: {
      type: 'application', 'bom-ref': purl(program), name: 'skypicket', version: program.version,
      licenses: [{ license: { id: 'Apache-2.0' } }], purl: purl(program),
    },
    properties: [{ name: 'skypicket:target', value: target }],
  },
  components,
  dependencies: edges.map((e) => ({ ...e, dependsOn: [...new Set(e.dependsOn)].sort() })).sort(by('ref')),
};
// A name made from what is in it: the same content, the same name (RFC 9562, version 8).
const hash = createHash('sha256').update(JSON.stringify(body)).digest('hex');
const uuid = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
process.stdout.write(
  `${JSON.stringify({ $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json', bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber: `urn:uuid:${uuid}`, version: 1, ...body }, null, 1)}\n`,
);
