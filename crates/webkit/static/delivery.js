// Asks how the code's delivery goes: {"state", "text", "final"}. Slower and
// slower, not in a hidden tab, and not for ever; a reload shows the same.

const line = document.querySelector('[data-delivery]');
const text = line?.querySelector('.delivery-text');
const tones = { waiting: 'info', 'handed-over': 'info', delivered: 'good', failed: 'bad' };
const waits = [2, 2, 3, 3, 5, 5, 10, 10, 20, 30, 30, 60, 60, 60];

async function ask(turn) {
  if (turn >= waits.length) return;
  await new Promise((done) => setTimeout(done, waits[turn] * 1000));
  if (document.hidden) {
    document.addEventListener('visibilitychange', () => ask(turn), { once: true });
    return;
  }
  try {
    const answer = await fetch(line.dataset.delivery, { headers: { accept: 'application/json' } });
    if (!answer.ok) return;
    const news = await answer.json();
    if (news.state !== line.dataset.state || news.text !== text.textContent) {
      line.dataset.state = news.state;
      line.className = `delivery ${tones[news.state] ?? 'info'}`;
      text.textContent = news.text;
    }
    if (news.final) return;
  } catch {
    // No network now: the next turn asks again.
  }
  ask(turn + 1);
}

if (line && text && !['delivered', 'failed'].includes(line.dataset.state)) ask(0);
