// Every test that a promise names must be in the source: else the manual says something that is not so.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const missing = [];
let found = 0;
for (const page of readdirSync(join(here, 'promises'))) {
  for (const [, file, name] of readFileSync(join(here, 'promises', page), 'utf8').matchAll(/\| `((?:crates|web)\/[^`]+)` \| `([^`]+)` \|/g)) {
    let source = '';
    try {
      source = readFileSync(join(here, '..', file), 'utf8');
    } catch {
      // Said below: no source holds no test.
    }
    if (file.endsWith('.rs') ? new RegExp(`fn ${name}\\b`).test(source) : source.includes(`'${name}'`)) found += 1;
    else missing.push(`promises/${page}: there is no test '${name}' in ${file}`);
  }
}
if (missing.length > 0 || found === 0) {
  console.error(missing.join('\n') || 'promises: no test is named');
  process.exit(1);
}
console.log(`promises: all ${found} tests that are named are in the source`);
