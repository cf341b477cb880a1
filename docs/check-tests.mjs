// Every test that a promise, the threat model or the compliance page names must be in the source: else the manual says something that is not so.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const missing = [];
let found = 0;
const pages = [...readdirSync(join(here, 'promises')).map((page) => `promises/${page}`), 'security/threat-model.md', 'compliance.md'];
for (const page of pages) {
  // In a table of tests, or in a sentence: the file, then the name.
  for (const [, file, name] of readFileSync(join(here, page), 'utf8').matchAll(/`((?:crates|web)\/[^`]+)` [|·] `([^`]+)`/g)) {
    let source = '';
    try {
      source = readFileSync(join(here, '..', file), 'utf8');
    } catch {
      // Said below: no source holds no test.
    }
    if (file.endsWith('.rs') ? new RegExp(`fn ${name}\\b`).test(source) : source.includes(`'${name}'`)) found += 1;
    else missing.push(`${page}: there is no test '${name}' in ${file}`);
  }
}
if (missing.length > 0 || found === 0) {
  console.error(missing.join('\n') || 'no test is named');
  process.exit(1);
}
console.log(`all ${found} tests that are named are in the source`);
