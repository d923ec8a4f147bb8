// The map under one's hands: dragged, pinched, zoomed, moved by keys. Without scripts it is scrolled like any picture.
"use strict";

(() => {
  const CLOSEST = 2.5; // screen pixels for one of the picture's, at most
  const READABLE = 0.62; // smaller than that the words cannot be read: then it begins in the middle
  const STEP = 1.25;
  const REST_MS = 150;
  const FAR = 4; // so many pixels make a press a drag

  let view = null; // what is seen of the picture: x, y, and `scale`
  let frame = 0;
  let painted = 0; // the scale at which the picture was painted last
  let resting = 0;
  const hands = new Map();
  const heard = new WeakSet();
  let dragged = false;

  const box = () => document.getElementById("map");
  const svg = () => box()?.querySelector("svg[data-map]");
  const size = () => ({w: Number(svg().getAttribute("width")), h: Number(svg().getAttribute("height"))});
  const all = () => Math.min(box().clientWidth / size().w, box().clientHeight / size().h);
  const least = () => Math.min(all(), 1) * 0.8;
  const within = (value, least, most) => Math.min(Math.max(value, least), most);

  // The picture is one layer that the browser moves and stretches without painting it anew; once a zoom has come to
  // rest it is painted at its new size, so that words are sharp.
  function draw() {
    frame = 0;
    const {clientWidth: w, clientHeight: h} = box();
    const whole = size();
    view.scale = within(view.scale, least(), CLOSEST);
    // Half a window may be empty around the picture, never more.
    view.x = within(view.x, -w / view.scale / 2, whole.w - w / view.scale / 2);
    view.y = within(view.y, -h / view.scale / 2, whole.h - h / view.scale / 2);
    if (!painted) return paint();
    if (painted !== view.scale) {
      clearTimeout(resting);
      resting = setTimeout(paint, REST_MS);
    }
    place();
  }

  function paint() {
    painted = view.scale;
    svg().style.width = `${size().w * painted}px`;
    svg().style.height = `${size().h * painted}px`;
    place();
  }

  function place() {
    svg().style.transform = `translate(${-view.x * view.scale}px, ${-view.y * view.scale}px) scale(${view.scale / painted})`;
  }

  function show() { if (!frame) frame = requestAnimationFrame(draw); }

  function move(dx, dy) {
    view.x -= dx / view.scale;
    view.y -= dy / view.scale;
    show();
  }

  // Zooms so that what is at a place of the window stays there.
  function zoom(by, left, top) {
    const scale = within(view.scale * by, least(), CLOSEST);
    view.x += left / view.scale - left / scale;
    view.y += top / view.scale - top / scale;
    view.scale = scale;
    show();
  }

  function centre(node, scale) {
    const at = node.transform.baseVal.consolidate().matrix;
    const {width, height} = node.getBBox();
    view = {scale, x: at.e + (width - box().clientWidth / scale) / 2, y: at.f + (height - box().clientHeight / scale) / 2};
    show();
  }

  function showAll() {
    const scale = Math.min(all(), 1);
    view = {scale, x: (size().w - box().clientWidth / scale) / 2, y: (size().h - box().clientHeight / scale) / 2};
    show();
  }

  function showMiddle() {
    const here = svg().querySelector("[data-here]");
    if (!here) return;
    centre(here, Math.max(all(), 0.85));
    const {clientWidth: w, clientHeight: h} = box(); // no room is given away beside the picture
    view.x = inside(view.x, w / view.scale, size().w);
    view.y = inside(view.y, h / view.scale, size().h);
  }

  const inside = (start, seen, whole) => seen > whole ? (whole - seen) / 2 : within(start, 0, whole - seen);

  const ZOOMS = {
    in: () => zoom(STEP, box().clientWidth / 2, box().clientHeight / 2),
    out: () => zoom(1 / STEP, box().clientWidth / 2, box().clientHeight / 2),
    all: showAll,
    middle: showMiddle,
  };
  const KEYS = {
    ArrowLeft: () => move(80, 0), ArrowRight: () => move(-80, 0), ArrowUp: () => move(0, 80), ArrowDown: () => move(0, -80),
    "+": ZOOMS.in, "=": ZOOMS.in, "-": ZOOMS.out, 0: showAll, Home: showMiddle,
  };

  function onWheel(event) {
    const isOurs = event.ctrlKey || event.metaKey || box().contains(document.activeElement);
    if (!isOurs) return;
    event.preventDefault();
    const {left, top} = box().getBoundingClientRect();
    const pixels = event.deltaY * (event.deltaMode ? 32 : 1);
    zoom(Math.exp(-within(pixels, -240, 240) / 480), event.clientX - left, event.clientY - top);
  }

  function onDown(event) {
    if (event.button) return;
    if (!hands.size) dragged = false;
    hands.set(event.pointerId, {x: event.clientX, y: event.clientY, fromX: event.clientX, fromY: event.clientY});
  }

  function onMove(event) {
    const hand = hands.get(event.pointerId);
    if (!hand) return;
    if (event.pointerType === "mouse" && !event.buttons) return onUp(event); // let go where we did not hear of it
    const before = {...hand};
    Object.assign(hand, {x: event.clientX, y: event.clientY});
    if (!dragged) {
      if (hands.size < 2 && Math.hypot(hand.x - hand.fromX, hand.y - hand.fromY) < FAR) return;
      dragged = true;
      box().setPointerCapture(event.pointerId);
      box().classList.add("drags");
    }
    const other = [...hands].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) return move(hand.x - before.x, hand.y - before.y);
    const {left, top} = box().getBoundingClientRect();
    const spread = at => Math.max(Math.hypot(at.x - other.x, at.y - other.y), 1);
    move((hand.x - before.x) / 2, (hand.y - before.y) / 2);
    zoom(spread(hand) / spread(before), (hand.x + other.x) / 2 - left, (hand.y + other.y) / 2 - top);
  }

  function onUp(event) {
    hands.delete(event.pointerId);
    if (!hands.size) box().classList.remove("drags");
  }

  // The lines of one box, and what they lead to, stand out while it is looked at.
  function light(node) {
    for (const lit of svg().querySelectorAll(".lit")) lit.classList.remove("lit");
    if (!node) return;
    const n = node.dataset.n;
    for (const line of svg().querySelectorAll(`[data-a="${n}"], [data-b="${n}"]`)) {
      line.classList.add("lit");
      const other = line.dataset.a === n ? line.dataset.b : line.dataset.a;
      svg().querySelector(`a[data-n="${other}"]`)?.classList.add("lit");
    }
  }

  function onFocus(event) {
    const node = event.target.closest("a.box");
    light(node);
    if (!node || hands.size) return; // what is pressed is seen, and must not move away before the click
    box().scrollTo(0, 0); // the browser scrolls to what it cannot see; the map moves instead
    const seen = node.getBoundingClientRect(), window_ = box().getBoundingClientRect();
    const isSeen = seen.left >= window_.left && seen.right <= window_.right && seen.top >= window_.top && seen.bottom <= window_.bottom;
    if (!isSeen) centre(node, view.scale);
  }

  function begin(map) {
    map.classList.add("moves");
    map.parentElement.querySelector(".map-buttons").hidden = false;
    if (view) { painted = 0; draw(); } // the same map, refreshed
    else if (all() >= READABLE) showAll();
    else showMiddle();
    if (!heard.has(map)) hear(map);
  }

  function hear(map) {
    heard.add(map);
    map.addEventListener("wheel", onWheel, {passive: false});
    map.addEventListener("pointerdown", onDown);
    map.addEventListener("pointermove", onMove);
    for (const kind of ["pointerup", "pointercancel"]) map.addEventListener(kind, onUp);
    map.addEventListener("dragstart", event => event.preventDefault());
    map.addEventListener("click", event => {
      if (dragged) event.preventDefault();
      else if (!event.target.closest("a")) map.focus();
    }, {capture: true});
    map.addEventListener("pointerover", event => { if (!hands.size) light(event.target.closest("a.box")); });
    map.addEventListener("pointerleave", () => light(null));
    map.addEventListener("focusin", onFocus);
    map.addEventListener("keydown", event => {
      if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      KEYS[event.key]();
    });
    new ResizeObserver(show).observe(map);
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!svg()) return;
    begin(box());
    for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => ZOOMS[button.dataset.zoom]());
  });
  document.addEventListener("htmx:after:swap", () => { if (svg()) begin(box()); });
})();
