// The site's one script: filters of tables, and the chart of a report with its controls.
// What pages hold is data: it becomes text nodes and numbers, never markup.
"use strict";

const reportupdater = (() => {
  const HOUR = 3600;
  const MOST_SHOWN = 12; // values below the chart
  const MOST_KEYS = 50; // lines of one series that has several rows a date
  const LARGEST = 8;
  const MANY = 20;
  const MOST_HOURS = 200000; // of a grid: a slip in a date could make it millions
  const blocks = new Map(); // TSV → blocks of its rows
  const loading = new Map();
  let about = null;

  document.documentElement.classList.add("scripted");

  // --- elements -----------------------------------------------------------------------------

  function make(name, attributes = {}, ...content) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== null) made.setAttribute(key, value);
    }
    made.append(...content);
    return made;
  }

  const at = (id) => document.getElementById(id);

  function filtered(input, table, shown) {
    const rows = [...table.tBodies[0].rows];
    function apply() {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let number = 0;
      for (const row of rows) {
        const text = row.dataset.text || "";
        row.hidden = !words.every((word) => text.includes(word));
        number += !row.hidden;
      }
      if (shown) shown.textContent = words.length ? `${number} of ${rows.length} shown` : "";
    }
    input.addEventListener("input", apply);
    return apply;
  }

  // --- what is chosen lies in the address -----------------------------------------------------

  function chosen() {
    return new URLSearchParams(location.hash.slice(1));
  }

  function choose(changes) {
    const now = chosen();
    for (const [key, value] of Object.entries(changes)) {
      if (value === "" || value === null) now.delete(key);
      else now.set(key, value);
    }
    const text = now.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }

  // --- the index ------------------------------------------------------------------------------

  function startIndex() {
    const input = at("filter");
    const apply = filtered(input, at("reports"), at("shown"));
    input.addEventListener("input", () => choose({ filter: input.value }));
    function take() {
      input.value = chosen().get("filter") || "";
      apply();
    }
    addEventListener("hashchange", take);
    take();
  }

  // --- rows ------------------------------------------------------------------------------------

  function load(series) {
    const [, tsv, file] = series;
    if (!loading.has(tsv)) {
      loading.set(
        tsv,
        new Promise((resolve) => {
          const done = () => resolve(table(tsv));
          const root = document.body.dataset.root;
          document.head.append(make("script", { src: root + file, onload: done, onerror: done }));
        }),
      );
    }
    return loading.get(tsv);
  }

  function table(tsv) {
    const found = { header: [], hours: [], columns: [] };
    for (const [header, dates, columns] of blocks.get(tsv) || []) {
      found.header = header;
      let hour = 0;
      for (const [step, times] of dates) {
        for (let n = 0; n < times; n++) found.hours.push((hour += step));
      }
      columns.forEach((column, number) => {
        const cells = Array.isArray(column) ? column : column.of.map((of) => column.values[of]);
        const all = (found.columns[number] ||= []);
        for (const cell of cells) all.push(cell);
      });
    }
    blocks.delete(tsv);
    return found;
  }

  function numeric(cell) {
    if (typeof cell === "number") return cell;
    if (cell === null || cell === "" || cell === "NULL") return null;
    const value = Number(cell);
    return Number.isFinite(value) && cell.trim() !== "" ? value : null;
  }

  const isText = (column) =>
    column.some((cell) => typeof cell === "string" && cell !== "NULL" && numeric(cell) === null);

  function pad(number) {
    return String(number).padStart(2, "0");
  }

  function label(hour) {
    const date = new Date(hour * HOUR * 1000);
    const day = `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`;
    return about.granularity === "hours" ? `${day}T${pad(date.getUTCHours())}:00:00` : day;
  }

  function hourOf(text) {
    return Math.round(Date.parse(text.length > 10 ? `${text}Z` : `${text}T00:00:00Z`) / 1000 / HOUR);
  }

  function next(hour) {
    if (about.granularity === "months") {
      const date = new Date(hour * HOUR * 1000);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / 1000 / HOUR;
    }
    return hour + ({ hours: 1, days: 24 }[about.granularity] ?? 168);
  }

  // --- lines: of a table, those of one column --------------------------------------------------

  function lines(found, name, title, several) {
    const place = found.header.indexOf(name) - 1;
    if (place < 0) return { lines: [], cut: 0 };
    const values = found.columns[place].map(numeric);
    const repeated = found.hours.some((hour, n) => n && hour === found.hours[n - 1]);
    if (!repeated) return { lines: [{ title: title || name, hours: found.hours, values }], cut: 0 };
    let texts = found.columns.filter((column, n) => n !== place && isText(column));
    if (!texts.length) texts = found.columns.filter((_, n) => n !== place).slice(0, 1);
    const by = new Map();
    found.hours.forEach((hour, n) => {
      const key = texts.map((column) => column[n] ?? "").join(", ") || "all";
      if (!by.has(key)) by.set(key, { title: several ? `${title}: ${key}` : key, hours: [], values: [] });
      const line = by.get(key);
      line.hours.push(hour);
      line.values.push(values[n]);
    });
    const last = (line) => line.values.findLast((value) => value !== null) ?? -Infinity;
    const all = [...by.values()].sort((a, b) => last(b) - last(a));
    return { lines: all.slice(0, MOST_KEYS), cut: Math.max(0, all.length - MOST_KEYS) };
  }

  function mean(values, over) {
    if (over < 2) return values;
    const found = new Array(values.length).fill(null);
    let sum = 0;
    let number = 0;
    for (let n = 0; n < values.length; n++) {
      if (values[n] !== null) { sum += values[n]; number++; }
      const gone = n >= over ? values[n - over] : null;
      if (gone !== null) { sum -= gone; number--; }
      if (number && values[n] !== null) found[n] = sum / number;
    }
    return found;
  }

  function aligned(all, range, over, isLog) {
    let first = Infinity;
    let last = -Infinity;
    for (const line of all) {
      if (!line.hours.length) continue;
      first = Math.min(first, line.hours[0]);
      last = Math.max(last, line.hours[line.hours.length - 1]);
    }
    const hours = [];
    for (let hour = first; hour <= last && hours.length < MOST_HOURS; hour = next(hour)) hours.push(hour);
    const known = new Map(hours.map((hour, n) => [hour, n]));
    let odd = 0;
    for (const line of all) {
      for (const hour of line.hours) {
        if (!known.has(hour)) { known.set(hour, -1); odd++; }
      }
    }
    if (odd) { // rows that are dated between the starts of intervals
      hours.splice(0, hours.length, ...[...known.keys()].sort((a, b) => a - b));
      hours.forEach((hour, n) => known.set(hour, n));
    }
    const from = range ? Math.max(0, hours.length - range) : 0;
    let dropped = 0;
    const columns = all.map((line) => {
      const values = new Array(hours.length).fill(null);
      line.hours.forEach((hour, n) => { values[known.get(hour)] = line.values[n]; });
      const smooth = mean(values, over).slice(from);
      if (isLog) {
        smooth.forEach((value, n) => { if (value !== null && value <= 0) { smooth[n] = null; dropped++; } });
      }
      return smooth;
    });
    return { times: hours.slice(from).map((hour) => hour * HOUR), columns, dropped };
  }

  // Points that have no neighbour would not be seen as a line.
  function single(u, index) {
    const values = u.data[index];
    const [first, last] = u.series[0].idxs;
    const found = [];
    for (let n = first; n <= last; n++) {
      if (values[n] != null && values[n - 1] == null && values[n + 1] == null) found.push(n);
    }
    return found;
  }

  // --- the chart --------------------------------------------------------------------------------

  function colour(number, of) {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const hue = Math.round((number * 360) / Math.max(of, 1) + 210) % 360;
    return `hsl(${hue} 65% ${dark ? 66 : 40}%)`;
  }

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const shown = (value) =>
    value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: 4 });

  const RANGES = {
    hours: [["day", 24], ["week", 168], ["month", 720]],
    days: [["month", 30], ["quarter", 91], ["year", 365]],
    weeks: [["quarter", 13], ["year", 52]],
    months: [["year", 12], ["5 years", 60]],
  };

  class Chart {
    constructor() {
      this.u = null;
      this.columns = about.header.slice(1);
      this.byLabel = new Map(about.series.map((series) => [series[0], series]));
      this.controls();
      this.picker();
      addEventListener("hashchange", () => this.take());
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
      new ResizeObserver(() => this.resize()).observe(at("chart"));
      this.take();
    }

    group(legend, key, options, initial) {
      const buttons = options.map(([text, value]) =>
        make("button", { type: "button", "data-value": value, onclick: () => this.set({ [key]: value === initial ? "" : value }) }, text),
      );
      (this.groups ||= []).push([key, buttons, initial]);
      return make("fieldset", {}, make("legend", {}, legend), ...buttons);
    }

    controls() {
      const number = about.series[0] ? about.series.map((one) => one.slice(3)) : [];
      const usable = this.columns.filter((_, n) => number.some((cells) => numeric(cells[n] ?? null) !== null));
      this.usable = usable.length ? usable : this.columns;
      this.column = make(
        "select",
        { id: "column", onchange: () => this.set({ column: this.column.value === this.usable[0] ? "" : this.column.value }) },
        ...this.usable.map((name) => make("option", { value: name }, name)),
      );
      const unit = about.granularity.split(" ")[0];
      this.log = make("input", { type: "checkbox", id: "log", onchange: () => this.set({ scale: this.log.checked ? "log" : "" }) });
      at("controls").append(
        make("label", {}, "Column ", this.column),
        this.group("Range", "range", [...RANGES[unit].map(([text, n]) => [text, String(n)]), ["all", "0"]], "0"),
        this.group("Values", "mean", [["raw", "1"], ["mean of 7", "7"], ["mean of 28", "28"]], "1"),
        make("label", {}, this.log, " log scale"),
      );
    }

    picker() {
      if (about.series.length < 2) return;
      const filter = make("input", { type: "search", id: "series-filter" });
      const list = make("ul", { "aria-label": "Series" });
      this.boxes = about.series.map(([name]) => {
        const box = make("input", { type: "checkbox", value: name, onchange: () => this.picked() });
        const item = make("li", {}, make("label", {}, box, " ", make("bdi", {}, name)));
        list.append(item);
        return [box, item];
      });
      filter.addEventListener("input", () => {
        const word = filter.value.toLowerCase();
        for (const [box, item] of this.boxes) item.hidden = !box.value.toLowerCase().includes(word);
      });
      const button = (text, names) => make("button", { type: "button", onclick: () => this.set({ series: names() }) }, text);
      at("picker").append(
        make("div", { class: "controls" },
          make("label", {}, "Series ", filter),
          button(`largest ${LARGEST}`, () => ""),
          button("all", () => "*"),
          button("none", () => "-")),
        list,
      );
    }

    picked() {
      const names = this.boxes.filter(([box]) => box.checked).map(([box]) => box.value);
      this.set({ series: names.length ? JSON.stringify(names) : "-" });
    }

    largest() {
      const place = this.columns.indexOf(this.column.value);
      const value = (series) => numeric(series[3 + place] ?? null) ?? -Infinity;
      return [...about.series].sort((a, b) => value(b) - value(a)).slice(0, LARGEST);
    }

    set(changes) {
      choose(changes);
      this.take();
    }

    selected(text) {
      if (about.series.length === 1 || text === "*") return about.series;
      if (text === "-") return [];
      if (text) {
        let names = [];
        try { names = JSON.parse(text); } catch { /* an address that someone has cut */ }
        const found = (Array.isArray(names) ? names : []).map((name) => this.byLabel.get(name)).filter(Boolean);
        if (found.length) return found;
      }
      return this.largest();
    }

    async take() {
      const now = chosen();
      const column = now.get("column");
      this.column.value = this.usable.includes(column) ? column : this.usable[0];
      this.log.checked = now.get("scale") === "log";
      for (const [key, buttons, initial] of this.groups) {
        const value = now.get(key) || initial;
        const known = buttons.some((button) => button.dataset.value === value);
        for (const button of buttons) {
          button.setAttribute("aria-pressed", String(button.dataset.value === (known ? value : initial)));
        }
        this[key] = Number(known ? value : initial);
      }
      this.series = this.selected(now.get("series"));
      const names = new Set(this.series.map(([name]) => name));
      for (const [box] of this.boxes || []) box.checked = names.has(box.value);
      const asked = (this.asked = {});
      const tables = await Promise.all(this.series.map(load));
      if (asked !== this.asked) return; // something else has been chosen meanwhile
      this.show(tables);
      this.asked = null;
    }

    show(tables) {
      const notes = [];
      const several = this.series.length > 1;
      let cut = 0;
      let unread = 0;
      const all = tables.flatMap((found, n) => {
        unread += !found.header.length && about.series.length > 0;
        const made = lines(found, this.column.value, several ? this.series[n][0] : "", several);
        cut += made.cut;
        return made.lines.map((line) => ({ ...line, series: this.series[n][0] }));
      });
      this.lines = all;
      const drawn = aligned(all, this.range, this.mean, this.log.checked);
      if (unread) notes.push(`${unread} of ${tables.length} series have no rows here.`);
      if (cut) notes.push(`The ${MOST_KEYS} largest are drawn; ${cut} more are in the TSV.`);
      if (drawn.dropped) notes.push(`${drawn.dropped} values of 0 or less have no place on a log scale.`);
      if (!all.length) notes.push(this.series.length ? "There is nothing to draw." : "No series is chosen.");
      this.marks = this.marked(drawn);
      this.data = [drawn.times, ...drawn.columns, ...this.bounds(drawn)];
      if (this.marks.length) notes.push(`${this.marks.length} points are marked: held (square) or revised (ring); their values are listed below.`);
      at("notes").textContent = notes.join(" ");
      this.draw();
      this.downloads(tables);
    }

    marked(drawn) {
      const place = new Map(drawn.times.map((time, n) => [time / HOUR, n]));
      const found = [];
      const of = (key) => (key ? ` (${key})` : "");
      const change = (old, now) => `${old || "nothing"} → ${now || "nothing"}`;
      const add = (kind, series, date, value, text) => {
        const x = place.get(hourOf(date));
        if (x === undefined || value === null || !this.lines.some((line) => line.series === series)) return;
        found.push({ kind, x, value, text: this.series.length > 1 ? `${series} ${text}` : text });
      };
      for (const [series, date, why, values] of about.held) {
        for (const [key, column, old, now] of values) {
          if (column !== this.column.value) continue;
          add("held", series, date, numeric(now || null), `held${of(key)}: ${change(old, now)} (${why})`);
        }
      }
      for (const [series, date, key, column, old, now] of about.changed) {
        if (column === this.column.value) {
          add("revised", series, date, numeric(now || null), `revised${of(key)}: ${change(old, now)}`);
        }
      }
      return found;
    }

    // Marks lie beside the lines: columns that are not seen make room for them.
    bounds(drawn) {
      if (!this.marks.length) return [];
      return [Math.min, Math.max].map((extreme) => {
        const values = new Array(drawn.times.length).fill(null);
        for (const { x, value } of this.marks) {
          if (this.log.checked && value <= 0) continue;
          values[x] = values[x] === null ? value : extreme(values[x], value);
        }
        return values;
      });
    }

    size() {
      const box = at("chart");
      return { width: Math.max(box.clientWidth, 200), height: innerWidth < 640 ? 260 : 360 };
    }

    resize() {
      if (this.u && this.u.width !== this.size().width) this.u.setSize(this.size());
    }

    draw() {
      if (this.u) this.u.destroy();
      this.u = null;
      at("values").replaceChildren();
      if (!this.data || this.data.length < 2) return;
      const grid = { stroke: style("--line"), width: 1 };
      const axis = { stroke: style("--faint"), grid, ticks: grid, font: "12px system-ui, sans-serif" };
      this.colours = this.lines.map((_, n) => colour(n, this.lines.length));
      // Browsers that draw without a graphics card take seconds for many lines that are wider.
      const width = this.lines.length > MANY ? 1 / devicePixelRatio : 1.5;
      this.u = new uPlot(
        {
          ...this.size(),
          tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
          legend: { show: false },
          cursor: { points: { size: 7 }, focus: { prox: this.marks.length ? -1 : 24 } },
          focus: { alpha: this.lines.length > 1 ? 0.25 : 1 },
          scales: { y: { distr: this.log.checked ? 3 : 1 } },
          axes: [axis, { ...axis, size: 70, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : shown(tick))) }],
          series: [
            {},
            ...this.lines.map((line, n) => ({
              label: line.title,
              stroke: this.colours[n],
              width,
              points: { show: true, filter: single, size: 5, fill: this.colours[n] },
            })),
            ...this.data.slice(this.lines.length + 1).map(() => ({ stroke: "transparent", points: { show: false } })),
          ],
          hooks: {
            setCursor: [(u) => this.hover(u)],
            draw: [(u) => this.mark(u)],
          },
        },
        this.data,
        at("chart"),
      );
      const canvas = at("chart").querySelector("canvas");
      canvas.setAttribute("aria-hidden", "true");
      this.keys();
    }

    keys() {
      const box = at("chart").querySelector(".u-over");
      box.tabIndex = 0;
      box.setAttribute("role", "application");
      box.setAttribute("aria-label", "Values by date: left and right arrow");
      box.addEventListener("keydown", (event) => {
        const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
        if (steps === undefined) return;
        event.preventDefault();
        const last = this.data[0].length - 1;
        const from = this.u.cursor.idx ?? last + 1;
        const to = Math.min(Math.max(steps === -Infinity ? 0 : steps === Infinity ? last : from + steps, 0), last);
        this.u.setCursor({ left: this.u.valToPos(this.data[0][to], "x"), top: 1 });
      });
    }

    hover(u) {
      const box = at("values");
      const idx = u.cursor.idx;
      if (idx === null || idx === undefined) { box.replaceChildren(); return; }
      const hour = this.data[0][idx] / HOUR;
      const here = this.lines
        .map((line, n) => ({ title: line.title, value: this.data[n + 1][idx] ?? null, n }))
        .sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity));
      const items = here.slice(0, MOST_SHOWN).map((one) => {
        const swatch = make("span", { class: "swatch" });
        swatch.style.background = this.colours[one.n];
        const isEmpty = one.value === null && this.lines[one.n].hours.includes(hour);
        return make("li", {}, swatch, make("bdi", {}, one.title), ` ${isEmpty ? "its query gave none" : shown(one.value)}`);
      });
      if (here.length > MOST_SHOWN) items.push(make("li", {}, `and ${here.length - MOST_SHOWN} more`));
      for (const mark of this.marks) if (mark.x === idx) items.push(make("li", {}, make("strong", {}, mark.text)));
      for (const why of this.whyMissing(label(hour))) items.push(make("li", {}, make("strong", {}, why)));
      box.replaceChildren(make("strong", {}, label(hour).replace("T", " ")), make("ul", {}, ...items));
    }

    whyMissing(date) {
      const names = new Set(this.series.map(([name]) => name));
      const found = about.missing.filter(([series, first, last]) => names.has(series) && first <= date && date <= last);
      const several = this.series.length > 1;
      return found.slice(0, 3).map(([series, , , why]) => `${several ? `${series}: ` : ""}no result: ${why}`);
    }

    mark(u) {
      const { ctx, bbox } = u;
      const size = 5 * devicePixelRatio;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.strokeStyle = ctx.fillStyle = style("--mark");
      ctx.lineWidth = 2 * devicePixelRatio;
      for (const mark of this.marks) {
        const x = u.valToPos(this.data[0][mark.x], "x", true);
        const y = u.valToPos(mark.value, "y", true);
        ctx.beginPath();
        if (mark.kind === "held") ctx.rect(x - size, y - size, 2 * size, 2 * size);
        else ctx.arc(x, y, size, 0, 2 * Math.PI);
        ctx.stroke();
      }
      ctx.restore();
    }

    downloads(tables) {
      const box = at("downloads");
      if (!box) return;
      const quoted = (cell, mark) => {
        const text = cell === null ? "" : String(cell);
        return text.includes(mark) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
      };
      const text = (found, mark) =>
        [found.header, ...found.hours.map((hour, n) => [label(hour), ...found.columns.map((column) => column[n])])]
          .map((row) => row.map((cell) => quoted(cell, mark)).join(mark) + "\n")
          .join("");
      const link = (found, series, ending, mark, type) => {
        const name = `${series[1].replaceAll("/", "-")}.${ending}`;
        return make("button", { type: "button", "aria-label": `Download ${name}`, onclick: () => {
          const url = URL.createObjectURL(new Blob([text(found, mark)], { type }));
          make("a", { href: url, download: name }).click();
          setTimeout(() => URL.revokeObjectURL(url), 60000);
        } }, ending.toUpperCase());
      };
      const parts = tables.slice(0, LARGEST).map((found, n) =>
        make("span", {},
          make("bdi", {}, this.series[n][0] || about.name), " ",
          link(found, this.series[n], "tsv", "\t", "text/tab-separated-values"), " ",
          link(found, this.series[n], "csv", ",", "text/csv")),
      );
      box.replaceChildren(...(parts.length ? ["All rows of the series in the chart: ", ...parts] : []));
    }
  }

  function startReport() {
    const filter = at("missing-filter");
    if (filter) filtered(filter, at("missing"), null);
    if (about && at("chart")) api.chart = new Chart();
  }

  addEventListener("DOMContentLoaded", () => {
    document.body.dataset.kind === "index" ? startIndex() : startReport();
  });

  const api = {
    rows: (tsv, header, dates, columns) => {
      if (!blocks.has(tsv)) blocks.set(tsv, []);
      blocks.get(tsv).push([header, dates, columns]);
    },
    about: (found) => { about = found; },
    chart: null,
  };
  return api;
})();
