// The build of both faces: `index.html` is the console (/), `field/index.html` the field page (/field/).
//
// The pages run under a strict content security policy: nothing is inlined into HTML and no asset becomes a data: URL
// except those that MapLibre's own style sheet brings.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { basemap } from './build/basemap.ts';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Tells the field page's service worker which files it needs offline: in `field/sw.js` the name `__FIELD_FILES__`
 * becomes `{version, files}`, the files being those that `field/index.html` pulls in, whole paths from the root.
 */
function fieldFiles(): Plugin {
  return {
    name: 'field-files',
    enforce: 'post',
    generateBundle(_, bundle) {
      const worker = bundle['field/sw.js'];
      if (worker?.type !== 'chunk') return;
      const wanted = new Set<string>(['field/index.html']);
      const visit = (name: string): void => {
        const item = bundle[name];
        if (wanted.has(name) || !item) return;
        wanted.add(name);
        if (item.type !== 'chunk') return;
        [...item.imports, ...item.dynamicImports].forEach(visit);
        item.viteMetadata?.importedCss.forEach((css) => wanted.add(css));
        item.viteMetadata?.importedAssets.forEach((asset) => wanted.add(asset));
      };
      for (const item of Object.values(bundle)) {
        if (item.type === 'chunk' && item.facadeModuleId?.replaceAll('\\', '/').endsWith('/field/index.html')) visit(item.fileName);
      }
      const files = [...wanted].filter((f) => f !== 'field/index.html').sort();
      const hash = createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 12);
      const list = JSON.stringify({ version: hash, files: ['/field/', ...files.map((f) => `/${f}`)] });
      worker.code = worker.code.replaceAll('__FIELD_FILES__', () => `(${list})`);
    },
  };
}

export default defineConfig({
  root: at('.'),
  publicDir: existsSync(at('public')) ? at('public') : false,
  plugins: [svelte(), basemap(), fieldFiles()],
  build: {
    outDir: at('dist'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1400,
    rollupOptions: {
      input: {
        console: at('index.html'),
        office: at('office/index.html'),
        ...(existsSync(at('field/index.html')) ? { field: at('field/index.html') } : {}),
        ...(existsSync(at('field/sw.ts')) ? { sw: at('field/sw.ts') } : {}),
      },
      output: {
        entryFileNames: (chunk) => (chunk.name === 'sw' ? 'field/sw.js' : 'assets/[name]-[hash].js'),
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
  resolve: {
    // Only the air symbols of milsymbol: its main entry would bring ten times as much.
    alias: { 'milsymbol-src': at('node_modules/milsymbol/src') },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': process.env['SKYPICKET_API'] ?? 'http://127.0.0.1:8080' } },
  // A slow machine must not fail what is only slow: the packed map takes seconds there.
  test: { testTimeout: 60_000, include: ['test/**/*.test.ts', 'shared/**/*.test.ts', 'field/**/*.test.ts', 'console/**/*.test.ts'] },
});
