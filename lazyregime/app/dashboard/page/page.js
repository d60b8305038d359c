"use strict";
// The page asks the server what is new since its version, and draws only that. All text is set as text, never as HTML.
const FIRST = 100, CURVES = 8, PANELS = 6, SECOND = 1000;
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c8c8c"];
const ORDER = ["running", "waiting", "failed", "damaged", "interrupted", "not started", "complete"];
const PANEL_ORDER = ["train_loss", "test_loss", "train_accuracy", "test_accuracy", "validation_accuracy"];
const at = (id) => document.getElementById(id);
const runs = new Map(), chosen = new Set(), series = new Map(), lines = new Map();
let version = -1, token = "", sort = { key: "changed", sign: -1 }, all = false, allCurves = false, behind = 0, drawn = "";

function el(tag, traits, ...inside) {
  const made = tag === "svg" || traits?.svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(traits ?? {})) {
    if (key === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (key !== "svg" && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...inside.filter((one) => one !== null && one !== undefined));
  return made;
}
const short = (x) => x === null || x === undefined ? "" : x === 0 ? "0"
  : Math.abs(x) >= 1e5 || Math.abs(x) < 1e-3 ? x.toExponential(2) : String(Number(x.toPrecision(4)));
function span(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  if (seconds < 5970) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${Math.round(seconds / 86400)} days`;
}
function brief({ name, swept }) {
  const short = name.replace(/-[0-9a-f]{8}$/, "");
  if ([...runs.values()].filter((run) => run.name.startsWith(`${short}-`) && run.name.length === name.length).length < 2) return short;
  return swept ? `${short} ${swept}` : name;
}
const reached = (run) => run.test_accuracy ?? run.test_loss ?? run.test_risk ?? run.mean_field_risk ?? null;
const ago = (run) => run.changed ? Math.max(0, Date.now() / SECOND + behind - run.changed) : null;
const COLUMNS = [
  { key: "", title: "" },
  { key: "name", title: "run", value: (run) => run.name },
  { key: "status", title: "status", value: (run) => ORDER.indexOf(run.status) },
  { key: "progress", title: "progress", value: (run) => run.of ? run.done / run.of : run.done },
  { key: "reached", title: "reached", right: true, value: reached },
  { key: "kernel_distance", title: "kernel turned", right: true, wide: true, value: (run) => run.kernel_distance },
  { key: "seconds", title: "seconds", right: true, wide: true, value: (run) => run.seconds },
  { key: "left", title: "left", right: true, wide: true, value: (run) => run.left ?? null },
  { key: "changed", title: "last sign", right: true, value: (run) => run.changed || null },
];

function matches(run, words) {
  return words.every((word) => {
    const found = word.match(/^([a-z_]+)(<=|>=|=|<|>)(.*)$/i);
    if (!found || !(found[1] in run)) return run.text.includes(word.toLowerCase());
    const [, key, sign, wanted] = found, value = run[key];
    if (sign === "=") return String(value ?? "").toLowerCase() === wanted.toLowerCase();
    if (value === null || value === "" || wanted === "" || !Number.isFinite(Number(wanted))) return false;
    return sign === "<" ? value < wanted : sign === ">" ? value > wanted : sign === "<=" ? value <= Number(wanted) : value >= Number(wanted);
  });
}
function shown() {
  const words = at("filter").value.replaceAll("not started", "not_started").split(/\s+/).filter(Boolean)
    .map((word) => word.replaceAll("not_started", "not started"));
  const value = COLUMNS.find((column) => column.key === sort.key).value;
  const compared = (a, b) => {
    const x = value(a), y = value(b);
    if (x === y) return a.name.localeCompare(b.name, "en", { numeric: true });
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    return sort.sign * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y);
  };
  return [...runs.values()].filter((run) => matches(run, words)).sort(compared);
}

function heads() {
  const row = at("runs").tHead.rows[0];
  row.replaceChildren(...COLUMNS.map((column) => {
    const turn = () => {
      sort = { key: column.key, sign: sort.key === column.key ? -sort.sign : column.right ? -1 : 1 };
      heads();
      draw();
    };
    const sorted = sort.key === column.key && column.key ? (sort.sign > 0 ? "ascending" : "descending") : undefined;
    const on = column.key ? { click: turn, keydown: (event) => { if (event.key === "Enter") turn(); } } : {};
    return el("th", { class: look(column), "aria-sort": sorted, tabindex: column.key ? 0 : undefined, on }, column.title);
  }));
}
const look = (column) => `${column.right ? "right" : ""} ${column.wide ? "wide" : ""}`;

function line(run) {
  const pick = el("input", { type: "checkbox", "aria-label": `curves of ${run.name}`, on: { change: () => {
    if (pick.checked) chosen.add(run.id); else chosen.delete(run.id);
    draw();
  } } });
  const open = el("button", { type: "button", on: { click: () => detail(run.id) } }, run.name);
  const progress = run.of ? `${Math.min(run.done, run.of)} of ${run.of}` : run.done ? `${run.done} rows` : "";
  const bar = run.of && run.status === "running"
    ? el("span", { class: "bar" }, el("i", { style: `width:${Math.min(100, (100 * run.done) / run.of)}%` })) : null;
  const where = [run.swept, run.group === "." ? "" : run.group, run.host, run.job && `job ${run.job}`].filter(Boolean).join(" · ");
  const made = el("tr", {},
    el("td", { class: "pick" }, pick),
    el("td", { class: "run" }, open, el("div", { class: "soft" }, where), run.note ? el("div", { class: "note" }, run.note.slice(0, 300)) : null),
    el("td", { class: "nowrap" }, el("span", { class: `dot ${run.status.replace(" ", "-")}` }, run.status)),
    el("td", { class: "nowrap" }, progress, bar),
    el("td", { class: "right" }, short(reached(run))),
    el("td", { class: "right wide" }, short(run.kernel_distance)),
    el("td", { class: "right wide" }, short(run.seconds)),
    el("td", { class: "right wide" }, span(run.left)),
    el("td", { class: "right" }, ""));
  made.dataset.run = run.id;
  return made;
}

function draw() {
  const found = shown(), some = all ? found : found.slice(0, FIRST);
  at("table-part").hidden = runs.size === 0;
  at("more").hidden = found.length <= some.length;
  at("more").textContent = `Show all ${found.length}`;
  const marked = charted(found), colours = new Map(marked.map((run, number) => [run.id, COLOURS[number % COLOURS.length]]));
  const rows = some.map((run) => {
    let kept = lines.get(run.id);
    if (kept?.run !== run) lines.set(run.id, kept = { run, row: line(run) });
    const box = kept.row.cells[0].firstChild, colour = colours.get(run.id);
    box.checked = chosen.has(run.id) || (chosen.size === 0 && colour !== undefined);
    kept.row.style.setProperty("--mine", colour ?? "var(--soft)");
    kept.row.lastChild.textContent = ago(run) === null ? "" : `${span(ago(run))} ago`;
    return kept.row;
  });
  const body = at("runs").tBodies[0];
  if (rows.length !== body.rows.length || rows.some((row, number) => body.rows[number] !== row)) body.replaceChildren(...rows);
  counts();
  if (runs.size && !found.length) tell(`No run fits the filter “${at("filter").value}”.`);
  return marked;
}
function charted(found) {
  const wanted = chosen.size ? [...runs.values()].filter((run) => chosen.has(run.id)) : found.filter((run) => run.done > 0 || run.status === "complete");
  return wanted.slice(0, CURVES);
}
function counts() {
  const count = new Map(ORDER.map((status) => [status, 0]));
  for (const run of runs.values()) count.set(run.status, (count.get(run.status) ?? 0) + 1);
  const now = at("filter").value;
  at("counts").replaceChildren(...[...count].filter(([, many]) => many).map(([status, many]) => {
    const wanted = `status=${status}`, pressed = now.includes(wanted);
    const toggle = () => { at("filter").value = pressed ? now.replace(wanted, "").trim() : wanted; refresh(); };
    return el("button", { type: "button", class: `dot ${status.replace(" ", "-")}`, "aria-pressed": pressed, on: { click: toggle } }, `${many} ${status}`);
  }));
}
function tell(sentence) {
  at("empty").textContent = sentence;
  at("empty").hidden = !sentence;
}

async function ask(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}
async function news() {
  const told = await ask(`/api/runs?since=${version}&token=${token}`);
  if (told.whole) { runs.clear(); series.clear(); }
  for (const run of told.rows) {
    run.text = [run.name, run.group, run.status, run.regime, run.arch, run.data, run.command, run.sweep, run.swept, run.machine, run.job].join(" ").toLowerCase();
    runs.set(run.id, run);
  }
  for (const name of told.gone) { runs.delete(name); chosen.delete(name); lines.delete(name); }
  ({ version, token } = told);
  behind = told.now - Date.now() / SECOND;
  at("where").textContent = `${told.root}: ${runs.size} run${runs.size === 1 ? "" : "s"}${told.unread ? `, ${told.unread} yet to be read` : ""}`;
  tell(runs.size || told.unread ? "" : `There are no runs in ${told.root} yet. Start one, with python -m lazyregime.train for example: it appears here by itself.`);
  return told.unread;
}
async function refresh() {
  const marked = draw(), old = marked.filter((run) => series.get(run.id)?.run !== run);
  if (old.length) {
    const told = await ask(`/api/series?${old.map((run) => `run=${encodeURIComponent(run.id)}`).join("&")}`);
    for (const run of old) series.set(run.id, { run, ...(told[run.id] ?? { axis: "row", curves: {} }) });
  }
  const state = marked.map((run) => `${run.id}:${run.changed}`).join("|");
  if (old.length || state !== drawn) curves(marked);
  drawn = state;
}
async function follow() {
  let pause = SECOND;
  try {
    const unread = await news();
    await refresh();
    at("trouble").hidden = true;
    const active = [...runs.values()].some((run) => run.status === "running" || run.status === "waiting");
    pause = unread ? 50 : document.hidden ? 5 * SECOND : active || !runs.size ? SECOND : 2 * SECOND;
  } catch (error) {
    at("trouble").textContent = error instanceof TypeError ? "The dashboard's server does not answer; start it again, and this page goes on." : String(error.message);
    at("trouble").hidden = false;
    pause = 2 * SECOND;
  }
  setTimeout(follow, pause);
}

function curves(marked) {
  const panels = new Map();
  marked.forEach((run, number) => {
    const { axis, curves: mine } = series.get(run.id);
    for (const [name, points] of Object.entries(mine)) {
      const key = `${name} ${axis}`;
      if (!panels.has(key)) panels.set(key, { name, axis, curves: [] });
      panels.get(key).curves.push({ run, points, colour: COLOURS[number % COLOURS.length] });
    }
  });
  const rank = ({ name }) => PANEL_ORDER.includes(name) ? PANEL_ORDER.indexOf(name) : name.includes("kernel") ? 10 : 20;
  const wanted = [...panels.values()].filter(({ name, curves }) => !name.includes("/") && name !== "learning_rate" && curves.some(({ points }) => points.length > 1))
    .sort((a, b) => rank(a) - rank(b));
  at("curves-part").hidden = !wanted.length;
  at("curves-of").textContent = chosen.size ? "Of the runs that are ticked in the table." : "Of the first runs in the table; tick others there.";
  at("legend").replaceChildren(...marked.map((run, number) => el("span", { style: `--mine:${COLOURS[number % COLOURS.length]}` }, brief(run))));
  at("more-curves").hidden = allCurves || wanted.length <= PANELS;
  at("more-curves").textContent = `Show all ${wanted.length} curves`;
  at("curves").replaceChildren(...wanted.slice(0, allCurves ? wanted.length : PANELS).map(panel));
}
function panel({ name, axis, curves: mine }) {
  const width = 320, height = 190, left = 46, right = 8, top = 8, bottom = 30;
  const xs = mine.flatMap(({ points }) => points.map((p) => p[0])), ys = mine.flatMap(({ points }) => points.map((p) => p[1]));
  const x = scale(axis === "time" || axis === "ridge" ? xs.filter((v) => v > 0) : xs, axis === "time" || axis === "ridge", left, width - right, axis === "epoch");
  const y = scale(ys, name.endsWith("loss") && Math.min(...ys) > 0 && Math.max(...ys) > 8 * Math.min(...ys), height - bottom, top);
  const text = (a, b, anchor, words) => el("text", { svg: true, x: a, y: b, "text-anchor": anchor }, words);
  const parts = [];
  for (const tick of y.ticks) parts.push(el("line", { svg: true, class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }), text(left - 5, y(tick) + 4, "end", short(tick)));
  for (const tick of x.ticks) parts.push(text(x(tick), height - bottom + 14, "middle", short(tick)));
  parts.push(text((left + width - right) / 2, height - 3, "middle", axis));
  for (const { points, colour } of mine) {
    const dots = points.filter((p) => !x.log || p[0] > 0).map((p) => [x(p[0]).toFixed(1), y(p[1]).toFixed(1)]);
    parts.push(el("polyline", { svg: true, class: "curve", stroke: colour, points: dots.map((dot) => dot.join(",")).join(" ") }));
    if (dots.length < 30) for (const [a, b] of dots) parts.push(el("circle", { svg: true, cx: a, cy: b, r: 2.4, fill: colour }));
  }
  const drawing = el("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name }, ...parts);
  const made = el("figure", {}, el("h3", {}, name.replaceAll("_", " ")), drawing);
  made.dataset.curve = name;
  return made;
}
function scale(values, log, from, to, whole = false) {
  let low = Math.min(...values), high = Math.max(...values);
  if (!(high > low)) { const pad = Math.abs(low) / 10 || 1; low -= log ? 0 : pad; high += pad; }
  const f = log ? Math.log10 : (v) => v, a = f(low), b = f(high);
  const place = (v) => from + ((f(v) - a) / (b - a)) * (to - from);
  place.log = log;
  place.ticks = log ? decades(a, b) : steps(a, b, whole);
  return place;
}
function steps(a, b, whole) {
  const rough = (b - a) / 5.5, base = 10 ** Math.floor(Math.log10(rough)), found = [];
  const step = Math.max(whole ? 1 : 0, [1, 2, 5, 10].map((m) => m * base).find((s) => s >= rough * 0.999));
  for (let k = Math.ceil(a / step - 1e-9); k * step <= b + step * 1e-9; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}
function decades(a, b) {
  const found = [], many = b - a > 2.2, stride = Math.max(1, Math.ceil((b - a) / 6));
  for (let e = Math.floor(a); e <= b; e += many ? stride : 1) {
    for (const m of many ? [1] : [1, 2, 5]) {
      const at = Math.log10(m) + e;
      if (at >= a - 1e-9 && at <= b + 1e-9) found.push(Number((m * 10 ** e).toPrecision(12)));
    }
  }
  return found;
}

async function detail(id) {
  const dialog = at("detail"), inside = dialog.lastElementChild;
  inside.replaceChildren(el("h2", {}, runs.get(id)?.name ?? id), el("p", { class: "soft" }, "Reading …"));
  dialog.dataset.run = id;
  dialog.showModal();
  const told = await ask(`/api/run?run=${encodeURIComponent(id)}`).catch((error) => ({ trouble: String(error.message) }));
  const table = (rows) => el("div", { class: "scroll" }, el("table", {}, el("tbody", {},
    ...rows.map(([key, value]) => el("tr", {}, el("td", {}, key), el("td", {}, value === null ? "none" : String(value)))))));
  if (dialog.dataset.run !== id) return; // another was opened meanwhile
  const run = runs.get(id);
  inside.replaceChildren(el("h2", {}, run?.name ?? id), el("p", { class: "soft" }, told.path ?? told.trouble),
    run?.sweep ? el("p", { class: "soft" }, `sweep: ${run.sweep}`) : null ?? "",
    run?.note ? el("p", { class: "trouble" }, run.note) : "",
    ...(told.figures ?? []).map((name) => el("img", { alt: name, src: `/figure?run=${encodeURIComponent(id)}&name=${encodeURIComponent(name)}&of=${run?.changed}` })),
    el("h2", {}, "Measures"), table(told.measures ?? []),
    el("details", {}, el("summary", {}, "Settings"), table(told.settings ?? [])));
}

heads();
at("filter").addEventListener("input", () => { tell(""); refresh().catch(() => {}); });
at("more-curves").addEventListener("click", () => { allCurves = true; drawn = ""; refresh().catch(() => {}); });
at("more").addEventListener("click", () => { all = true; draw(); });
at("report").addEventListener("toggle", () => { const frame = at("report").querySelector("iframe"); if (at("report").open && !frame.src) frame.src = "/report"; });
at("again").addEventListener("click", () => { at("report").querySelector("iframe").src = `/report?${Date.now()}`; });
follow();
