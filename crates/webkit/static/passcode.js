// The key that makes four digits worth something: made here, kept in this
// browser, its private half readable by nobody, this script included. Where
// that cannot be, the form goes as it is and a code to the phone takes its place.

const shelf = 'keys';

async function keep(mode, act) {
  const base = await new Promise((good, bad) => {
    const request = indexedDB.open('kabinet', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(shelf);
    request.onsuccess = () => good(request.result);
    request.onerror = () => bad(request.error);
  });
  try {
    return await new Promise((good, bad) => {
      const work = base.transaction(shelf, mode);
      const request = act(work.objectStore(shelf));
      work.oncomplete = () => good(request.result);
      work.onabort = work.onerror = () => bad(work.error);
    });
  } finally {
    base.close();
  }
}

const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
const kind = { name: 'ECDSA', namedCurve: 'P-256' };

async function make(form) {
  const pair = await crypto.subtle.generateKey(kind, false, ['sign']);
  const point = await crypto.subtle.exportKey('raw', pair.publicKey);
  const name = hex(await crypto.subtle.digest('SHA-256', point)).slice(0, 32);
  await keep('readwrite', (keys) => keys.put(pair.privateKey, name));
  form.elements.key.value = hex(point);
}

async function sign(form) {
  const body = new URLSearchParams({ csrf: form.elements.csrf.value });
  const answer = await fetch(form.dataset.passcode, { method: 'POST', body });
  if (answer.status !== 200) return;
  const asked = await answer.json();
  const key = await keep('readonly', (keys) => keys.get(asked.key));
  if (!key) return;
  const how = { name: 'ECDSA', hash: 'SHA-256' };
  form.elements.signature.value = hex(await crypto.subtle.sign(how, key, new TextEncoder().encode(asked.text)));
  form.elements.ceremony.value = asked.id;
}

for (const form of document.querySelectorAll('form[data-passcode]')) {
  let busy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    try {
      await (form.dataset.passcode === 'new' ? make(form) : sign(form));
    } catch {
      // Without a key: the server asks for a code to the phone.
    }
    form.submit();
  });
  addEventListener('pageshow', (event) => {
    if (event.persisted) busy = false;
  });
}
