'use strict';
(() => {
  // Nothing here writes HTML: every text goes in as text, so no name can be more than a name.
  const data = JSON.parse(document.getElementById('data').textContent);
  const make = (name, cls, text) => {
    const node = document.createElement(name);
    if (cls) node.className = cls;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const by = id => document.getElementById(id);
  const number = n => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
  const percent = s => { const p = s * 100; return p === 0 || p >= 10 ? p.toFixed(0) + '%' : p >= 1 ? p.toFixed(1) + '%' : p.toFixed(2) + '%'; };
  const path = p => '../' + p.split('/').map(encodeURIComponent).join('/');
  const size = data.tokens.length;
  // Columns of a token's row, as the page was written.
  const [TOKEN, NAME, TRAITS, NUMBERS, RANK, SCORE, TIER, PICTURE, THUMB, PROMPT, MADE, SHA, META, ABOUT, DECIDED] = Array.from({ length: 15 }, (_, i) => i);
  const tierClass = t => 't' + (t % 6);

  // --- decisions: kept in this browser until they are exported -------------------------------------------------
  const STORE = 'kiln decisions ' + (data.provenance || data.name);
  let decisions = new Map();
  let who = '';
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) || '{}');
    who = String(kept.who || '');
    const known = new Set(data.tokens.map(t => t[TOKEN]));
    for (const [token, word, file, note] of kept.all || []) if (known.has(token)) decisions.set(token, { word: String(word), file: String(file), note: String(note) });
  } catch { /* a page opened from a file may not be allowed to keep anything */ }
  const keep = () => {
    try { localStorage.setItem(STORE, JSON.stringify({ who, all: [...decisions].map(([t, d]) => [t, d.word, d.file, d.note]) })); } catch { /* as above */ }
    const n = decisions.size;
    by('export').disabled = n === 0;
    by('export').textContent = n === 0 ? 'No decisions yet' : `Save ${number(n)} decision${n === 1 ? '' : 's'}`;
  };
  const cell = text => {
    let t = String(text).replace(/[\r\n\t]+/g, ' ').trim();
    // What a spreadsheet would take for a formula is kept as text.
    if (/^[=+\-@]/.test(t)) t = "'" + t;
    return /[",;]/.test(t) || t !== t.trim() ? '"' + t.replace(/"/g, '""') + '"' : t;
  };
  const csv = () => {
    const rows = [...decisions].sort((a, b) => a[0] - b[0]).map(([t, d]) => [t, d.word, d.word === 'replace' ? d.file : '', d.note, who].map(cell).join(','));
    return 'token,decision,file,note,who\n' + rows.map(r => r + '\n').join('');
  };
  by('export').addEventListener('click', () => {
    const url = URL.createObjectURL(new Blob([csv()], { type: 'text/csv' }));
    const link = make('a');
    link.href = url;
    link.download = 'decisions.csv';
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  });

  // --- what is shown ---------------------------------------------------------------------------------------------
  const texts = data.tokens.map(t => {
    const traits = t[TRAITS].map((v, g) => v < 0 ? '' : data.groups[g].name + ': ' + data.groups[g].values[v]).join(' \n ');
    return (t[NAME] + ' \n ' + traits + ' \n ' + t[PROMPT] + ' \n ' + (t[TIER] < 0 ? '' : data.tiers[t[TIER]])).toLowerCase();
  });
  // Which values are chosen: the group's number to a set of value numbers (-1: none of them); tiers likewise.
  const chosen = data.groups.map(() => new Set());
  const chosenTiers = new Set();
  let words = [];
  let order = 'token';
  let only = '';
  let list = [];

  const parse = text => text.toLowerCase().match(/-?(?:[^\s":]+:)?"[^"]*"|\S+/g)?.map(w => {
    const not = w.length > 1 && w.startsWith('-');
    const rest = (not ? w.slice(1) : w).replaceAll('"', '');
    return { not, text: rest };
  }) || [];
  const says = (at, word) => {
    const t = data.tokens[at];
    if (/^#\d+$/.test(word)) return String(t[TOKEN]) === word.slice(1).replace(/^0+(?=\d)/, '');
    const colon = word.indexOf(':');
    if (colon > 0) {
      const [group, value] = [word.slice(0, colon), word.slice(colon + 1)];
      const known = data.groups.some(g => g.name.toLowerCase().startsWith(group));
      if (known) return data.groups.some((g, n) => g.name.toLowerCase().startsWith(group) && (t[TRAITS][n] < 0 ? 'none' : g.values[t[TRAITS][n]].toLowerCase()).includes(value));
    }
    return texts[at].includes(word);
  };
  const inGroup = (t, g) => chosen[g].size === 0 || chosen[g].has(t[TRAITS][g]);
  const inTier = t => chosenTiers.size === 0 || chosenTiers.has(t[TIER]);
  const inOnly = t => only === '' || (only === 'any' ? decisions.has(t[TOKEN]) : only === 'none' ? !decisions.has(t[TOKEN]) : decisions.get(t[TOKEN])?.word === only);

  const sorters = {
    token: (a, b) => a - b,
    rank: (a, b) => data.tokens[a][RANK] - data.tokens[b][RANK] || a - b,
    common: (a, b) => data.tokens[b][RANK] - data.tokens[a][RANK] || a - b,
    name: (a, b) => data.tokens[a][NAME].localeCompare(data.tokens[b][NAME], undefined, { numeric: true }) || a - b,
  };
  const filter = () => {
    list = [];
    const left = data.groups.map(() => new Map());
    const leftTiers = new Map();
    for (let at = 0; at < size; at++) {
      const t = data.tokens[at];
      if (!inOnly(t) || !words.every(w => says(at, w.text) !== w.not)) continue;
      // How many there would be for a value: all other choices hold.
      let failed = -1, fails = 0;
      for (let g = 0; g < chosen.length && fails < 2; g++) if (!inGroup(t, g)) { fails++; failed = g; }
      const tier = inTier(t);
      if (fails === 0 && tier) list.push(at);
      if (tier && fails < 2) for (let g = 0; g < chosen.length; g++) if (fails === 0 || failed === g) left[g].set(t[TRAITS][g], (left[g].get(t[TRAITS][g]) || 0) + 1);
      if (fails === 0) leftTiers.set(t[TIER], (leftTiers.get(t[TIER]) || 0) + 1);
    }
    list.sort(sorters[order]);
    showCounts(left, leftTiers);
    by('count').textContent = list.length === size ? `${number(size)} items` : `${number(list.length)} of ${number(size)}`;
    by('clear').disabled = words.length === 0 && only === '' && chosenTiers.size === 0 && chosen.every(s => s.size === 0);
    layout();
  };

  // --- the filters -----------------------------------------------------------------------------------------------
  const side = by('side');
  const boxes = [];
  const section = (title, values, set) => {
    const box = make('details');
    const head = make('summary');
    head.append(make('span', '', title));
    const inner = make('div', 'values');
    const lines = [];
    for (const [value, name, cls] of values) {
      const label = make('label');
      const input = make('input');
      input.type = 'checkbox';
      input.addEventListener('change', () => {
        if (input.checked) set.add(value); else set.delete(value);
        head.firstChild.className = set.size ? 'set' : '';
        filter();
      });
      const count = make('span', '', '');
      label.append(input, make('span', cls || '', name), count);
      inner.append(label);
      lines.push({ value, label, input, count });
    }
    box.append(head, inner);
    side.append(box);
    const entry = { lines, head, set };
    boxes.push(entry);
    return entry;
  };
  const tierBox = data.tiers.length ? section('Tier', [...data.tiers.map((name, t) => [t, name, tierClass(t)]), [-1, 'no tier']], chosenTiers) : null;
  const groupBoxes = data.groups.map((g, n) => {
    const values = g.values.map((name, v) => [v, name]);
    if (g.none > 0) values.push([-1, 'none']);
    return section(g.name, values, chosen[n]);
  });
  const showCounts = (left, leftTiers) => {
    const tell = (box, counts) => box.lines.forEach(line => {
      const n = counts.get(line.value) || 0;
      line.count.textContent = number(n);
      line.label.className = n === 0 ? 'nil' : '';
    });
    if (tierBox) tell(tierBox, leftTiers);
    groupBoxes.forEach((box, g) => tell(box, left[g]));
  };
  by('filters').addEventListener('click', () => side.classList.toggle('open'));
  let typing = 0;
  by('search').addEventListener('input', e => {
    clearTimeout(typing);
    typing = setTimeout(() => { words = parse(e.target.value); filter(); }, 80);
  });
  by('order').addEventListener('change', e => { order = e.target.value; filter(); });
  by('only').addEventListener('change', e => { only = e.target.value; filter(); });
  by('clear').addEventListener('click', () => {
    by('search').value = '';
    by('only').value = '';
    words = [];
    only = '';
    for (const box of boxes) { box.set.clear(); box.head.firstChild.className = ''; box.lines.forEach(l => { l.input.checked = false; }); }
    filter();
  });

  // --- the grid: only what is in view stands in the document --------------------------------------------------------
  const grid = by('grid');
  const GAP = 18, CAPTION = 62;
  let columns = 1, cellWide = 200, cellHigh = 262, here = 0;
  const cards = new Map();
  const thumb = (node, at, wide) => {
    const place = data.tokens[at][THUMB];
    const s = data.sheet;
    if (place < 0) { node.textContent = 'no picture'; return; }
    const each = s.columns * s.rows, sheet = Math.floor(place / each), nth = place % each;
    const rows = Math.min(s.rows, Math.ceil((s.count - sheet * each) / s.columns));
    node.style.backgroundImage = `url("thumbs/${String(sheet).padStart(4, '0')}-${s.marks[sheet]}.jpg")`;
    node.style.backgroundSize = `${wide * s.columns}px ${wide * rows}px`;
    node.style.backgroundPosition = `${-wide * (nth % s.columns)}px ${-wide * Math.floor(nth / s.columns)}px`;
  };
  const card = (slot, at) => {
    const t = data.tokens[at];
    const node = make('button', 'card');
    node.type = 'button';
    node.tabIndex = slot === here ? 0 : -1;
    node.dataset.slot = slot;
    const tier = t[TIER] < 0 ? '' : data.tiers[t[TIER]];
    node.setAttribute('aria-label', `${t[NAME]}, rank ${t[RANK]}${tier ? ', ' + tier : ''}`);
    const picture = make('div', 'thumb');
    picture.style.height = cellWide + 'px';
    thumb(picture, at, cellWide);
    const said = decisions.get(t[TOKEN])?.word || '';
    if (said) picture.append(make('span', 'mark ' + said, said));
    const cap = make('div', 'cap');
    cap.append(make('span', 'name', t[NAME] || '#' + t[TOKEN]), make('span', 'sub', `#${t[TOKEN]} · rank ${number(t[RANK])}`));
    if (tier) cap.append(make('span', 'chip ' + tierClass(t[TIER]), tier));
    node.append(picture, cap);
    node.style.width = cellWide + 'px';
    node.style.left = (slot % columns) * (cellWide + GAP) + 'px';
    node.style.top = Math.floor(slot / columns) * cellHigh + 'px';
    node.addEventListener('click', () => { here = slot; open(slot); });
    return node;
  };
  const paint = () => {
    const top = grid.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor((-top - 400) / cellHigh)) * columns;
    const to = Math.min(list.length, Math.ceil((-top + innerHeight + 400) / cellHigh) * columns);
    for (const [slot, node] of cards) if (slot < from || slot >= to) { node.remove(); cards.delete(slot); }
    for (let slot = from; slot < to; slot++) if (!cards.has(slot)) {
      const node = card(slot, list[slot]);
      cards.set(slot, node);
      grid.append(node);
    }
  };
  const layout = () => {
    const wide = grid.clientWidth || 800;
    const least = wide < 560 ? 150 : 190;
    columns = Math.max(1, Math.floor((wide + GAP) / (least + GAP)));
    cellWide = Math.floor((wide - GAP * (columns - 1)) / columns);
    cellHigh = cellWide + CAPTION + GAP + 2;
    here = Math.min(here, Math.max(0, list.length - 1));
    grid.replaceChildren();
    cards.clear();
    if (list.length === 0) grid.append(make('p', 'empty', 'Nothing fits. Loosen a filter, or clear them all.'));
    grid.style.height = Math.max(200, Math.ceil(list.length / columns) * cellHigh) + 'px';
    paint();
  };
  const again = slot => {
    const node = cards.get(slot);
    if (!node) return;
    const had = document.activeElement === node;
    const next = card(slot, list[slot]);
    node.replaceWith(next);
    cards.set(slot, next);
    if (had) next.focus({ preventScroll: true });
  };
  const go = slot => {
    if (list.length === 0) return;
    const before = here;
    here = Math.max(0, Math.min(list.length - 1, slot));
    const top = grid.getBoundingClientRect().top + scrollY + Math.floor(here / columns) * cellHigh;
    if (top < scrollY + 80) scrollTo(0, top - 80);
    if (top + cellHigh > scrollY + innerHeight) scrollTo(0, top + cellHigh - innerHeight + 10);
    paint();
    again(before);
    again(here);
    cards.get(here)?.focus({ preventScroll: true });
  };
  let waiting = false;
  const soon = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; paint(); }); } };
  addEventListener('scroll', soon, { passive: true });
  let width = 0;
  new ResizeObserver(() => { if (grid.clientWidth !== width) { width = grid.clientWidth; layout(); } }).observe(grid);
  grid.addEventListener('keydown', e => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: columns * 3, PageUp: -columns * 3 }[e.key];
    if (step !== undefined) { e.preventDefault(); go(here + step); }
    if (e.key === 'Home') { e.preventDefault(); go(0); }
    if (e.key === 'End') { e.preventDefault(); go(list.length - 1); }
  });

  // --- one item ------------------------------------------------------------------------------------------------------
  const dialog = by('detail');
  const words4 = [['approve', 'Approve', 'a'], ['reject', 'Reject', 'r'], ['redo', 'Redo', 'd'], ['replace', 'Replace', 'p']];
  const decide = (slot, word) => {
    const token = data.tokens[list[slot]][TOKEN];
    const before = decisions.get(token);
    if (before?.word === word) decisions.delete(token);
    else decisions.set(token, { word, file: before?.file || '', note: before?.note || '' });
    keep();
    again(slot);
    open(slot);
    if (word === 'replace' && decisions.get(token)?.word === 'replace') by('file').focus();
  };
  const field = (id, label, value, change) => {
    const input = make('input', 'field');
    input.id = id;
    input.placeholder = label;
    input.setAttribute('aria-label', label);
    input.value = value;
    input.addEventListener('input', () => { change(input.value); keep(); });
    return input;
  };
  const open = slot => {
    const at = list[slot];
    if (at === undefined) return;
    here = slot;
    const t = data.tokens[at];
    const shown = make('div', 'shown');
    if (t[PICTURE]) {
      const image = make('img');
      image.src = path(t[PICTURE]);
      image.alt = t[NAME];
      shown.append(image);
    } else shown.append(make('p', 'help', 'no picture'));
    const facts = make('div', 'facts');
    const bar = make('div', 'bar');
    const button = (text, label, act, off) => {
      const b = make('button', 'plain', text);
      b.type = 'button';
      b.setAttribute('aria-label', label);
      b.disabled = !!off;
      b.addEventListener('click', act);
      return b;
    };
    bar.append(button('←', 'previous item', () => open(slot - 1), slot === 0), button('→', 'next item', () => open(slot + 1), slot + 1 >= list.length), button('Close', 'close', () => dialog.close()));
    facts.append(bar, make('p', 'eyebrow', `#${t[TOKEN]} · rank ${number(t[RANK])} of ${number(size)} · score ${t[SCORE].toFixed(3)}`), make('h2', '', t[NAME] || '#' + t[TOKEN]));
    if (t[TIER] >= 0) facts.append(make('span', 'chip ' + tierClass(t[TIER]), data.tiers[t[TIER]]));
    if (t[ABOUT]) facts.append(make('p', 'about', t[ABOUT]));
    const traits = make('dl', 'traits');
    t[TRAITS].forEach((v, g) => {
      if (v < 0) return;
      const made = data.groups[g].made[v];
      traits.append(make('dt', '', data.groups[g].name), make('dd', '', data.groups[g].values[v]), make('dd', 's', `${number(made)} · ${percent(made / size)}`));
    });
    for (const [name, value] of t[NUMBERS]) traits.append(make('dt', '', name), make('dd', '', value), make('dd', 's', ''));
    facts.append(traits);
    if (t[PROMPT]) facts.append(make('p', 'prompt', t[PROMPT]));
    const made = make('dl', 'made-by');
    const say = (name, value, code) => { if (value) made.append(make('dt', '', name), make('dd', code ? 'code' : '', value)); };
    for (const [name, value] of t[MADE]) say(name, value, name === 'Recipe');
    say('SHA-256', t[SHA], true);
    for (const [name, file] of [['Picture', t[PICTURE]], ['Metadata', t[META]]]) if (file) {
      const link = make('a', '', file);
      link.href = path(file);
      const dd = make('dd', 'code');
      dd.append(link);
      made.append(make('dt', '', name), dd);
    }
    say('Decided', t[DECIDED]);
    facts.append(made);
    const said = decisions.get(t[TOKEN]);
    const box = make('div', 'decide');
    for (const [word, label, key] of words4) {
      const b = make('button', 'plain ' + word);
      b.type = 'button';
      b.append(make('span', '', label));
      b.title = 'key ' + key;
      b.setAttribute('aria-pressed', String(said?.word === word));
      b.addEventListener('click', () => decide(slot, word));
      box.append(b);
    }
    if (said?.word === 'replace') box.append(field('file', 'Picture to put in its place, beside decisions.csv', said.file, v => { said.file = v; }));
    if (said) box.append(field('note', 'Note: why', said.note, v => { said.note = v; }));
    box.append(field('who', 'Your name, for the audit log', who, v => { who = v; }));
    facts.append(box);
    const inner = make('div', 'detail');
    inner.append(shown, facts);
    dialog.replaceChildren(inner);
    dialog.setAttribute('aria-label', t[NAME]);
    if (!dialog.open) dialog.showModal();
  };
  dialog.addEventListener('close', () => { paint(); go(here); });
  dialog.addEventListener('click', e => { if (e.target === dialog) dialog.close(); });
  addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
    if (dialog.open) {
      if (typing) { if (e.key === 'Enter') e.target.blur(); return; }
      if (e.key === 'ArrowLeft') open(here - 1);
      if (e.key === 'ArrowRight') open(here + 1);
      const word = words4.find(w => w[2] === e.key);
      if (word) { e.preventDefault(); decide(here, word[0]); }
    } else if (!typing && e.key === '/') {
      e.preventDefault();
      by('search').focus();
      by('items').scrollIntoView();
    }
  });
  by('search').addEventListener('keydown', e => {
    if (e.key === 'ArrowDown' || e.key === 'Enter') { e.preventDefault(); go(here); }
    if (e.key === 'Escape') { e.target.value = ''; words = []; filter(); }
  });

  // --- light and dark ------------------------------------------------------------------------------------------------
  const theme = by('theme');
  const themes = ['auto', 'light', 'dark'];
  let shade = 'auto';
  try { shade = localStorage.getItem('kiln theme') || 'auto'; } catch { /* not allowed here */ }
  const tint = () => {
    if (!themes.includes(shade)) shade = 'auto';
    if (shade === 'auto') delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = shade;
    theme.textContent = { auto: 'Auto', light: 'Light', dark: 'Dark' }[shade];
  };
  theme.addEventListener('click', () => {
    shade = themes[(themes.indexOf(shade) + 1) % themes.length];
    try { localStorage.setItem('kiln theme', shade); } catch { /* not allowed here */ }
    tint();
  });
  tint();
  keep();
  document.documentElement.dataset.ready = 'yes';
  filter();
  // The grid has its height only now: a page opened at a section goes there once more.
  if (['#traits', '#rarity', '#gates'].includes(location.hash)) { by(location.hash.slice(1))?.scrollIntoView(); paint(); }
  // A page opened at an item shows it: index.html#item-7.
  const asked = /^#item-(\d+)$/.exec(location.hash);
  if (asked) { const slot = list.findIndex(at => String(data.tokens[at][TOKEN]) === asked[1]); if (slot >= 0) open(slot); }
})();
