// A computer that waits for a phone: asks where its request stands, and goes
// in when the phone has said yes. Without this the page's own link does it.

const waits = document.querySelector('[data-handover]');
const go = document.querySelector('form[data-go]');

async function ask() {
  await new Promise((done) => setTimeout(done, 2000));
  if (document.hidden) {
    document.addEventListener('visibilitychange', ask, { once: true });
    return;
  }
  try {
    const answer = await fetch(waits.dataset.handover, { headers: { accept: 'application/json' } });
    const state = answer.ok ? (await answer.json()).state : 'waiting';
    if (state !== 'waiting') {
      if (state === 'approved') go.requestSubmit();
      else location.reload();
      return;
    }
  } catch {
    // No network now: the next turn asks again.
  }
  ask();
}

if (waits && go) ask();
