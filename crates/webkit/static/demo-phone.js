// The demo's phone: looks for a new message and shows the page anew. The
// product itself has no such thing.
const phone = document.querySelector('[data-newest]');

async function look() {
  try {
    const answer = await fetch('/demo/messages', { headers: { accept: 'application/json' } });
    const messages = await answer.json();
    if ((messages[0]?.id ?? '') !== phone.dataset.newest) location.replace('/demo/phone');
  } catch {
    // The server rests: the next look will tell.
  }
}

if (phone) {
  for (const link of document.querySelectorAll('.handset-refresh')) link.hidden = true;
  setInterval(() => document.hidden || look(), 1000);
}
