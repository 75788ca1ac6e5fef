// Runs axe on pages and looks for sideways scroll.
//
//   node tests/browser/axe.mjs [--shots DIR] [--widths 360,1280] [--themes light,dark]
//                              [--only TEXT] (URL | FILE | FOLDER)...
//
// Files and folders are served from a local port, so that icons and scripts
// load under the product's own Content-Security-Policy. Needs Chromium and the
// npm packages playwright-core and axe-core, found through NODE_PATH or next to
// the working folder. Ends with 1 when anything is found.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, normalize, resolve } from 'node:path';

const require = createRequire(join(process.env.NODE_PATH ?? process.cwd(), 'x.js'));
const load = (name) => {
  try {
    return require(name);
  } catch {
    return createRequire(import.meta.url)(name);
  }
};
const { chromium } = load('playwright-core');
const axe = load('axe-core').source;

const options = { widths: '360,1280', themes: 'light,dark', only: '', shots: '' };
const targets = [];
for (let i = 2; i < process.argv.length; i++) {
  const name = process.argv[i].replace(/^--/, '');
  if (name !== process.argv[i]) options[name] = process.argv[++i];
  else targets.push(process.argv[i]);
}

const rules = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  resultTypes: ['violations'],
};
const types = {
  '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2', '.webmanifest': 'application/manifest+json',
};
const policy =
  "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'self'; " +
  "require-trusted-types-for 'script'; trusted-types kabinet";

function serve(folder) {
  return new Promise((ready) => {
    const server = createServer((request, response) => {
      const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname));
      // A page of files asks nobody how a delivery goes.
      if (path.endsWith('/delivery')) {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('{"state":"delivered","text":"","final":true}');
        return;
      }
      try {
        const body = readFileSync(join(folder, path));
        response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream', 'content-security-policy': policy });
        response.end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
    server.listen(0, '127.0.0.1', () => ready({ server, base: `http://127.0.0.1:${server.address().port}` }));
  });
}

const pages = [];
const servers = [];
for (const target of targets) {
  if (/^https?:/.test(target)) {
    pages.push({ url: target, name: target.replace(/^https?:\/\/[^/]+/, '').replace(/[^\w]+/g, '_') || 'root' });
    continue;
  }
  const folder = statSync(target).isDirectory() ? resolve(target) : dirname(resolve(target));
  const files = statSync(target).isDirectory() ? readdirSync(target).filter((file) => file.endsWith('.html')) : [basename(target)];
  const { server, base } = await serve(folder);
  servers.push(server);
  for (const file of files.sort()) pages.push({ url: `${base}/${file}`, name: file.replace(/\.html$/, '') });
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
if (options.shots) mkdirSync(options.shots, { recursive: true });
let checked = 0;
const found = [];

for (const theme of options.themes.split(',')) {
  for (const width of options.widths.split(',').map(Number)) {
    const context = await browser.newContext({
      viewport: { width, height: width < 600 ? 740 : 860 },
      colorScheme: theme,
      reducedMotion: 'reduce',
      serviceWorkers: 'block',
    });
    const page = await context.newPage();
    // Straight into the debugger: `eval` inside the page is what the policy forbids.
    const debug = await context.newCDPSession(page);
    const run = async (expression) => {
      const answer = await debug.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
      if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description);
      return answer.result.value;
    };
    let said = [];
    page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    for (const { url, name } of pages) {
      if (options.only && !name.includes(options.only)) continue;
      said = [];
      await page.goto(url, { waitUntil: 'load' });
      await run('document.fonts.ready.then(() => true)');
      await run(`${axe}; true`);
      const violations = await run(`axe.run(document, ${JSON.stringify(rules)}).then((result) =>
        result.violations.map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => [node.target.join(' '), node.failureSummary]) })))`);
      const where = `${name} ${width} ${theme}`;
      for (const { id, nodes } of violations) {
        for (const [target, summary] of nodes) {
          found.push(`${where}: ${id}: ${target}: ${summary.split('\n').slice(1).join(' ').trim()}`);
        }
      }
      const wide = await run('document.documentElement.scrollWidth - innerWidth');
      if (wide > 0) found.push(`${where}: scrolls sideways by ${wide} px`);
      for (const text of said) found.push(`${where}: console: ${text}`);
      if (options.shots) {
        await page.screenshot({ path: join(options.shots, `${name}.${width}.${theme}.png`), fullPage: true });
      }
      checked++;
    }
    await context.close();
  }
}
await browser.close();
for (const server of servers) server.close();
for (const line of found) console.log(line);
console.log(`${checked} page states checked, ${found.length} findings`);
process.exitCode = found.length || !checked ? 1 : 0;
