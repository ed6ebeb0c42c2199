"use strict";
// Everything that a tenant wrote reaches the page as text nodes: no markup is ever made of data.
(() => {
  const data = JSON.parse(document.getElementById("report").textContent);
  const stateOf = new Map(data.states.map((state) => [state.id, state]));
  const PAGE = 100;
  const $ = (id) => document.getElementById(id);
  const search = $("search"), inNamespace = $("namespace"), inState = $("state"), onClass = $("class");
  const list = $("rows"), count = $("count"), more = $("more"), reset = $("reset");
  const tiles = [...document.querySelectorAll(".tile[data-state]")];
  let found = [], shown = 0;

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  };
  const badge = (state) => make("span", { class: `badge t-${state.tone}`, "data-sign": state.sign }, state.title);
  const plural = (number, one) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;

  const fill = (select, values) => values.forEach(([value, text]) => select.append(make("option", { value }, text)));
  fill(inNamespace, data.namespaces.map((name) => [name, name]));
  fill(inState, data.states.filter((s) => s.subjects).map((s) => [s.id, `${s.title} (${s.subjects})`]));
  

  const NONE = " none";
  fill(onClass, data.classes.map((name) => name ? [name, name] : [NONE, "no RuntimeClass"]));

  const haystack = new WeakMap();
  const words = (subject) => {
    let text = haystack.get(subject);
    if (text === undefined) {
      const findings = subject.findings.map((index) => data.findings[index]);
      text = [subject.namespace, subject.kind, subject.name, subject.message, ...subject.facts.flat(),
        ...subject.images, ...findings.flatMap((f) => [f.feature, f.application, ...f.cause])].join(" ").toLowerCase();
      haystack.set(subject, text);
    }
    return text;
  };

  
  const chosen = () => ({ q: search.value.trim(), ns: inNamespace.value, state: inState.value, class: onClass.value });
  const apply = () => {
    const { q, ns, state, class: runtimeClass } = chosen();
    const parts = q.toLowerCase().split(/\s+/).filter(Boolean);
    found = data.subjects.filter((subject) =>
      (!ns || subject.namespace === ns) && (!state || subject.states.includes(state)) &&
      (!runtimeClass || subject.classes.some((name) => (name || NONE) === runtimeClass)) && parts.every((part) => words(subject).includes(part)));
    list.replaceChildren();
    shown = 0;
    extend();
    const pods = found.reduce((sum, subject) => sum + subject.pods, 0);
    count.textContent = found.length
      ? `${found.length.toLocaleString("en")} of ${data.subjects.length.toLocaleString("en")} entries, ${plural(pods, "running pod")}`
      : data.subjects.length ? "Nothing matches these filters." : "Nothing to list.";
    tiles.forEach((tile) => tile.setAttribute("aria-pressed", String(tile.dataset.state === state)));
    reset.disabled = !(q || ns || state || runtimeClass);
  };
  const extend = () => {
    const next = found.slice(shown, shown + PAGE);
    list.append(...next.map(row));
    shown += next.length;
    more.hidden = shown >= found.length;
    more.textContent = `Show ${Math.min(PAGE, found.length - shown)} more`;
  };

  const row = (subject) => {
    const state = stateOf.get(subject.state);
    const who = `${subject.kind} ${subject.namespace}/${subject.name}`;
    const classes = subject.classes.map((name) => name || "no RuntimeClass").join(", ");
    const line = [classes, subject.pods ? plural(subject.pods, "pod") : "no running pod", subject.summary].filter(Boolean).join(" · ");
    const details = make("details", {},
      make("summary", {}, make("span", { class: "who" }, who), badge(state), make("span", { class: "what" }, line)));
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) details.append(detail(subject));
    });
    return make("li", {}, details);
  };

  const detail = (subject) => {
    const inside = make("div", { class: "detail" });
    const others = subject.states.slice(1).map((id) => stateOf.get(id));
    if (others.length) inside.append(make("p", {}, "Also: ", ...others.flatMap((state) => [badge(state), " "])));
    inside.append(make("p", { class: "soft" }, stateOf.get(subject.state).explain));
    if (subject.facts.length) {
      inside.append(make("dl", { class: "facts" },
        ...subject.facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))));
    }
    if (subject.message) inside.append(make("pre", {}, subject.message));
    if (subject.remedies.length) {
      inside.append(make("h3", {}, "What to do"), make("ul", {}, ...subject.remedies.map((text) => make("li", {}, text))));
    }
    if (subject.findings.length) inside.append(make("h3", {}, "Why"));
    subject.findings.forEach((index) => inside.append(finding(data.findings[index])));
    return inside;
  };
  const finding = (value) => {
    const box = make("div", { class: `finding t-${value.tone}` },
      make("div", {}, make("strong", {}, value.verdict), " ", make("code", {}, value.feature),
        value.application ? ` needed by ${value.application}` : "", value.where ? ` (${value.where})` : ""));
    value.cause.forEach((text) => box.append(make("p", {}, text)));
    if (value.workaround) box.append(make("p", {}, make("strong", {}, "Workaround: "), value.workaround));
    if (value.evidence.length) box.append(make("p", { class: "soft" }, "Evidence"), make("ul", { class: "soft" }, ...value.evidence.map((e) => make("li", {}, e))));
    return box;
  };

  const remember = () => {
    const given = Object.entries(chosen()).filter(([, value]) => value);
    history.replaceState(null, "", given.length ? `#${new URLSearchParams(given)}` : location.pathname + location.search);
  };
  const restore = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    search.value = given.get("q") || "";
    [[inNamespace, "ns"], [inState, "state"], [onClass, "class"]].forEach(([select, key]) => {
      const value = given.get(key) || "";
      select.value = [...select.options].some((option) => option.value === value) ? value : "";
    });
    apply();
  };
  const changed = () => { apply(); try { remember(); } catch { /* a page in a frame of its own has no address */ } };

  [inNamespace, inState, onClass].forEach((select) => select.addEventListener("change", changed));
  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(changed, 120); });
  tiles.forEach((tile) => tile.addEventListener("click", () => {
    inState.value = inState.value === tile.dataset.state ? "" : tile.dataset.state;
    changed();
  }));
  document.querySelectorAll("[data-namespace]").forEach((button) => button.addEventListener("click", () => {
    inNamespace.value = button.dataset.namespace;
    changed();
    $("list-title").focus();
  }));
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  reset.addEventListener("click", () => {
    search.value = inNamespace.value = inState.value = onClass.value = "";
    changed();
    search.focus();
  });
  more.addEventListener("click", () => {
    const first = list.childElementCount;
    extend();
    list.children[first]?.querySelector("summary").focus();
  });
  window.addEventListener("hashchange", restore);

  const theme = $("theme");
  const dark = () => document.documentElement.dataset.theme === "dark" ||
    (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  const name = () => { theme.textContent = dark() ? "Light colours" : "Dark colours"; };
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; name(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
  document.querySelectorAll(".needs-script").forEach((element) => { element.hidden = false; });
  restore();
})();
