// Keeps the static shell and the offline page, nothing else: a page with
// somebody's data is never stored.

const shell = [
  '/offline',
  '/assets/kabinet.css',
  '/assets/app.js',
  '/assets/icons.svg',
  '/assets/logo.svg',
  '/assets/offline.svg',
  '/assets/onest-cyrillic.woff2',
  '/assets/onest-latin.woff2',
];
// The addresses above are fingerprinted when served, so their list names the
// version of the shell.
const cacheName = `shell ${shell.join(' ')}`;

addEventListener('install', (event) => {
  event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll(shell)).then(() => skipWaiting()));
});

addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== cacheName).map((name) => caches.delete(name))))
      .then(() => clients.claim()),
  );
});

addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET') return;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.mode === 'navigate') {
    event.respondWith(fetch(request).catch(() => caches.match('/offline', { cacheName })));
  } else if (url.pathname.startsWith('/assets/')) {
    event.respondWith(caches.match(request, { cacheName }).then((kept) => kept ?? fetch(request)));
  }
});
