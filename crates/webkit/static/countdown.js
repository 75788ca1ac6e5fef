// Ticks <time class="countdown" data-left="257">: the seconds are the server's,
// the steps are taken from the monotonic clock, so a wrong phone clock or a
// moved one changes nothing. Screen readers hear milestones only.

const started = performance.now();
const milestones = [600, 60, 10];
const clocks = [...document.querySelectorAll('.countdown')].map((time) => ({
  time,
  left: Number(time.dataset.left),
  shown: Number(time.dataset.left),
  wait: time.closest('[data-until-shown]'),
}));

const voice = document.createElement('p');
voice.className = 'visually-hidden';
voice.setAttribute('role', 'status');
document.querySelector('main')?.append(voice);

function face(seconds) {
  const two = (n) => String(n).padStart(2, '0');
  const h = Math.floor(seconds / 3600), m = Math.floor(seconds / 60) % 60, s = seconds % 60;
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function say(clock) {
  voice.textContent = clock.time.parentElement.textContent.trim();
}

function tick() {
  const passed = (performance.now() - started) / 1000;
  let running = false;
  for (const clock of clocks) {
    const now = Math.max(0, Math.ceil(clock.left - passed));
    if (now === clock.shown) {
      running ||= now > 0;
      continue;
    }
    const before = clock.shown;
    clock.shown = now;
    clock.time.textContent = face(now);
    if (now > 0) running = true;
    if (clock.wait && now === 0) show(clock);
    else if (!clock.wait && (now === 0 || milestones.some((at) => before > at && now <= at))) say(clock);
  }
  if (running) setTimeout(tick, 250);
}

// What was waited for takes the place of the wait.
function show(clock) {
  const target = document.getElementById(clock.wait.dataset.untilShown);
  if (target) {
    target.hidden = false;
    voice.textContent = target.textContent.trim().replace(/\s+/g, ' ');
  }
  clock.wait.hidden = true;
}

for (const link of document.querySelectorAll('.resend-reload')) link.hidden = true;
if (clocks.length) tick();
