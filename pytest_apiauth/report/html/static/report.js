// What the page does beyond what it shows: filters, links that open what they lead to, copying, the theme, printing.
// Everything can be read without it.
"use strict";
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const form = document.querySelector("#filters form");
  const shown = document.getElementById("shown");
  const rules = all(".rule");
  const hiding = all("[data-hides]").reverse(); // what lies inside comes before what holds it
  const profiles = all(".profile");
  const texts = new Map();
  const NAMES = ["verdict", "level", "profile", "chapter", "q"];

  // The text of a rule, read once: what a search looks through.
  function textOf(rule) {
    let text = texts.get(rule);
    if (text === undefined) texts.set(rule, (text = rule.textContent.toLowerCase()));
    return text;
  }

  // What a rule is filtered by stands with it, or with the list that it is in.
  const of = (rule, name) => rule.closest(`[data-${name}]`).dataset[name];

  function wished() {
    const data = new FormData(form);
    const wish = {};
    for (const name of NAMES) {
      const values = data.getAll(name).map((value) => value.trim()).filter(Boolean);
      if (values.length) wish[name] = values;
    }
    return wish;
  }

  function show(wish) {
    for (const field of form.elements) {
      if (field.type === "checkbox") field.checked = (wish[field.name] || []).includes(field.value);
      else if (field.name) field.value = (wish[field.name] || [""])[0];
    }
    filter();
  }

  function filter() {
    const wish = wished();
    const words = (wish.q || []).join(" ").toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (name, value) => !wish[name] || wish[name].includes(value);
    let count = 0;
    for (const rule of rules) {
      const isShown =
        fits("verdict", of(rule, "v")) && fits("level", of(rule, "l")) && fits("chapter", of(rule, "c")) &&
        fits("profile", of(rule, "profile")) && words.every((word) => textOf(rule).includes(word));
      rule.hidden = !isShown;
      count += isShown;
    }
    for (const part of hiding) part.hidden = !part.querySelector(".rule:not([hidden])");
    const isFiltered = Object.keys(wish).length > 0;
    document.getElementById("main").classList.toggle("filtered", isFiltered);
    for (const profile of profiles) profile.hidden = isFiltered && !profile.querySelector(".rule:not([hidden])");
    document.getElementById("nothing").hidden = count > 0 || !rules.length;
    shown.value = isFiltered ? `${count} of ${rules.length} rules` : `${rules.length} rules`;
    return wish;
  }

  // Filters live in the fragment, beside the name of a place: #shop.key-bad&verdict=fail&q=401
  function read() {
    let place = "";
    const wish = {};
    for (const piece of location.hash.slice(1).split("&").filter(Boolean)) {
      const [name, value] = piece.split("=");
      try {
        if (value === undefined) place = decodeURIComponent(name);
        else if (NAMES.includes(name)) wish[name] = name === "q" ? [decodeURIComponent(value)] : value.split(",").map(decodeURIComponent);
      } catch { /* a fragment that nobody has made */ }
    }
    return { place, wish };
  }

  function written(wish, place = "") {
    const pieces = Object.entries(wish).map(([name, values]) => `${name}=${values.map(encodeURIComponent).join(",")}`);
    return "#" + [place && encodeURIComponent(place), ...pieces].filter(Boolean).join("&");
  }

  function keep(wish) {
    try { history.replaceState(null, "", written(wish)); } catch { /* a page inside another one may not */ }
  }

  function open(element) {
    for (let each = element; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
  }

  function go(element) {
    open(element);
    element.scrollIntoView({ block: "start" });
    const target = element.matches("details") ? element.querySelector("summary") : element;
    if (target.tabIndex < 0) target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
    for (const each of all(".here")) each.classList.remove("here");
    element.classList.add("here");
  }

  function follow() {
    const { place, wish } = read();
    show(wish);
    const element = place && document.getElementById(place);
    if (element) {
      // Who asks for one place sees it, whatever the filters say.
      for (let each = element; each; each = each.parentElement) each.hidden = false;
      open(element);
      if (!element.checkVisibility()) document.getElementById("main").classList.remove("filtered");
      go(element);
    } else if (Object.keys(wish).length) {
      const first = rules.find((rule) => !rule.hidden);
      if (first) { open(first.parentElement); (first.closest(".list, .chapter") || first).scrollIntoView({ block: "start" }); }
    }
  }

  async function copied(text, button) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // No clipboard of that kind where the page came over plain HTTP, or lies in a frame.
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "unseen";
      document.body.append(area);
      area.select();
      const isDone = document.execCommand("copy");
      area.remove();
      button.focus();
      return isDone;
    }
  }

  function themed() {
    const button = document.getElementById("theme");
    const root = document.documentElement;
    const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    const say = () => button.setAttribute("aria-pressed", String(isDark()));
    try { const kept = localStorage.getItem("apiauth-theme"); if (kept === "dark" || kept === "light") root.dataset.theme = kept; } catch { /* no storage here */ }
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("apiauth-theme", root.dataset.theme); } catch { /* no storage here */ }
      say();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", say);
    button.hidden = false;
    say();
  }

  document.addEventListener("click", (event) => {
    const element = event.target.closest("a[data-filter], [data-reset], [data-open]");
    if (!element) return;
    if ("reset" in element.dataset) { show({}); keep({}); shown.closest("form").querySelector("[name=q]").focus(); }
    else if ("open" in element.dataset) {
      const wanted = all(".finding, .group, .list").filter((each) => !each.hidden);
      const isOpen = wanted.every((each) => each.open);
      for (const each of wanted) each.open = !isOpen;
      element.textContent = isOpen ? "Open all" : "Close all";
    } else {
      event.preventDefault();
      // The link says which verdict, its row which chapter, and what it is in which profile.
      const wishes = [];
      for (let each = element; each; each = each.parentElement) if (each.dataset.filter) wishes.push(each.dataset.filter);
      location.hash = "#" + wishes.join("&");
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => keep(filter()));
  addEventListener("hashchange", follow);

  let opened = [];
  addEventListener("beforeprint", () => { opened = all(".finding, .group").filter((each) => !each.open); for (const each of opened) each.open = true; });
  addEventListener("afterprint", () => { for (const each of opened) each.open = false; });

  // What a link leads to does not end up below the filters, which stay at the top.
  const bar = document.getElementById("filters");
  new ResizeObserver(() => {
    const isKept = getComputedStyle(bar).position === "sticky";
    document.documentElement.style.scrollPaddingTop = isKept ? `${bar.offsetHeight + 8}px` : "";
  }).observe(bar);

  // Buttons are made where they are seen: there may be thousands of lines to copy.
  function furnish(event) {
    const opened = event.target;
    if (!opened.open) return;
    for (const line of all(".c", opened).filter((each) => !each.parentElement.matches(".code"))) {
      const frame = document.createElement("div");
      frame.className = "code";
      line.replaceWith(frame);
      const named = line.closest("dd")?.previousElementSibling?.textContent;
      frame.append(line, made("Copy", `Copy: ${named}`, () => line.textContent));
    }
    if (opened.matches(".finding") && !opened.querySelector(".link")) {
      const button = made("Copy link", `Copy link: ${opened.id}`, () => location.href.split("#")[0] + "#" + opened.id);
      button.className = "link";
      opened.append(button);
    }
  }

  function made(words, label, text) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", async () => {
      const isDone = await copied(text(), button);
      const said = isDone ? "Copied" : "Not copied";
      button.textContent = said;
      document.getElementById("said").textContent = said;
      setTimeout(() => { button.textContent = words; document.getElementById("said").textContent = ""; }, 1500);
    });
    return button;
  }

  document.addEventListener("toggle", furnish, true);

  // Tab stops at a table or a drawing only if there is something to scroll.
  const scrolls = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const each of all(".scroll")) scrolls.observe(each);
  document.getElementById("filters").hidden = false;
  themed();
  follow();
  // When the page is complete the browser itself goes to the fragment, and takes the focus away from what is no control.
  addEventListener("load", () => setTimeout(() => { if (read().place) follow(); }));
})();
