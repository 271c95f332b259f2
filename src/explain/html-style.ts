/** The page's style sheet. */
import { LANES_WIDTH, THREADS_WIDTH } from './html-layout.ts';

export const HUES = [350, 25, 45, 95, 165, 205, 255, 300];

/** The messages of a real run. */
const STORY_STYLE = `
.p-minirun, .p-docker { --p: #b03060; } .p-dockerd { --p: #b56a00; } .p-containerd { --p: #6a4fc4; } .p-shim { --p: #0c7d8c; } .p-runc { --p: var(--runtime); } .p-init { --p: var(--init); } .p-other { --p: var(--soft); }
@media (prefers-color-scheme: dark) { .p-minirun, .p-docker { --p: #f58aae; } .p-dockerd { --p: #f0a848; } .p-containerd { --p: #b5a1ff; } .p-shim { --p: #55c8d6; } }
span[class^=p-] { color: var(--p); font-weight: 700; }
.story { padding: 4px 20px 18px; } .story h2, header h2 { font-size: 18px; margin: 8px 0 2px; } .story > p { margin: 2px 0 8px; color: var(--soft); max-width: 100ch; }
.story-rows { position: relative; border-top: 1px solid var(--line); } .lane { position: absolute; top: 30px; bottom: 0; width: 2px; margin-left: -1px; background: var(--p); opacity: .35; }
.story-titles { display: flex; height: 30px; align-items: center; font-size: 13px; } .story-titles span { text-align: center; } .story-titles span:first-child { width: 46px; }
.srow { display: grid; grid-template-columns: 38px var(--lanes) minmax(60px, 1fr) auto; gap: 0 8px; align-items: center; min-height: 30px; position: relative; color: inherit; text-decoration: none; }
summary.srow { cursor: pointer; list-style: none; } summary.srow::-webkit-details-marker { display: none; } .srow:hover { background: hsl(45 60% 50% / .12); }
.srow .n { color: var(--soft); font-size: 11px; text-align: right; font-variant-numeric: tabular-nums; } .srow .time { color: var(--soft); font-size: 12px; white-space: nowrap; padding-right: 6px; }
.srow .what { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; } .carried { color: var(--soft); font: 12px ui-monospace, "DejaVu Sans Mono", monospace; } .back .what { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; }
.fine { color: var(--init); } .bad { color: #d02020; } .soft { color: var(--soft); }
.story-art { display: block; } .active { fill: var(--p); opacity: .8; } .way { fill: none; stroke: var(--ink); stroke-width: 1.8; } .tip { fill: var(--ink); } .way.answered { stroke: var(--soft); stroke-width: 1.3; stroke-dasharray: 5 4; } .tip.answered { fill: var(--soft); } .way.failed { stroke: #d02020; } .tip.failed { fill: #d02020; }
.message > summary b::before { content: "▸ "; color: var(--soft); font-weight: 400; } .message[open] > summary b::before { content: "▾ "; } .made > summary b::before { content: "▸ "; color: var(--soft); font-weight: 400; } .made[open] > summary b::before { content: "▾ "; }
.more { position: relative; margin: 2px 0 10px calc(54px + var(--lanes)); padding: 8px 14px 10px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); max-width: 900px; } .more p { margin: 4px 0; } .more h4 { margin: 10px 0 2px; font-size: 12px; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); } .more .see { color: var(--soft); font-size: 13px; } .more td:first-child { white-space: nowrap; }
.srow.step { min-height: 22px; font-size: 12px; } .srow.step.small { opacity: .7; } .srow.step > span:nth-child(2) { text-align: right; padding-right: 10px; background: var(--bg); font-weight: 600; font-size: 11px; }
@media (max-width: 900px) { .story { overflow-x: auto; } .story-rows { min-width: 860px; } }
`.trim();

export const STYLE = `
:root { color-scheme: light dark; --bg: #fbfaf6; --card: #fff; --ink: #20242b; --soft: #646b76; --line: #dcd8cd; --band: #f3f0e6; --pick: #fff3c4; --pick-line: #e0a800;
  --runtime: #2a62c9; --starter: #b56a00; --init: #0d7a55; --text: #8a3b12; --flag: #1f57b8; --ref: #8b2fa0; --thread: 46%; --threads: 62%; }
@media (prefers-color-scheme: dark) { :root { --bg: #15171b; --card: #1d2026; --ink: #e6e4de; --soft: #9aa1ac; --line: #343841; --band: #1b1e24; --pick: #3a3313; --pick-line: #e0b43a;
  --runtime: #7aa7ff; --starter: #f0a848; --init: #4ccb9a; --text: #f0a37a; --flag: #8db4ff; --ref: #d99bea; --thread: 64%; --threads: 60%; } }
* { box-sizing: border-box; }
html { scroll-padding: 150px 0 24px; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
code, pre, .call, td { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 12.5px; }
a { color: var(--flag); }
.call b { font-weight: 700; } i.s { color: var(--text); font-style: normal; } i.f { color: var(--flag); font-style: normal; } i.r { color: var(--ref); font-style: normal; }
header { padding: 18px 20px 6px; }
h1 { margin: 0; font-size: 23px; line-height: 1.25; overflow-wrap: anywhere; } h1 code { font-size: 19px; }
header p { margin: 4px 0; color: var(--soft); max-width: 100ch; }
.warning { color: var(--starter); }
.bar { display: none; position: sticky; top: 0; z-index: 5; gap: 8px; align-items: center; flex-wrap: wrap; padding: 8px 20px; background: var(--bg); border-bottom: 1px solid var(--line); }
.js .bar { display: flex; }
button, input[type=search] { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: 4px 12px; min-height: 34px; }
button { cursor: pointer; } button:hover { border-color: var(--soft); }
#play { background: var(--init); color: var(--bg); border-color: var(--init); font-weight: 600; min-width: 92px; }
input[type=search] { width: 210px; }
.bar .keys { color: var(--soft); font-size: 13px; margin-left: auto; } kbd { font: 12px ui-monospace, monospace; border: 1px solid var(--line); border-radius: 4px; padding: 0 4px; background: var(--card); }
:focus-visible { outline: 2px solid var(--pick-line); outline-offset: 1px; }
main { display: block; padding: 0 16px; }
.js main { display: grid; grid-template-columns: minmax(0, 1fr) 416px; gap: 14px; align-items: start; }
.row, .titles { display: grid; grid-template-columns: 34px ${LANES_WIDTH}px minmax(60px, 1fr) ${THREADS_WIDTH}px 124px; align-items: center; }
.titles { position: sticky; top: 0; z-index: 4; height: 62px; align-items: end; padding-bottom: 5px; background: var(--bg); border-bottom: 2px solid var(--line); font-size: 12.5px; color: var(--soft); }
.js .titles { top: 51px; }
.titles .lanes { display: flex; } .titles .lanes span { flex: 1; text-align: center; font-weight: 700; font-size: 11.5px; }
.titles .threads { position: relative; height: 52px; } .titles .threads span { position: absolute; bottom: 0; transform-origin: 0 100%; transform: rotate(-55deg) translate(2px, 2px); font-weight: 600; }
span.runtime { color: var(--runtime); } span.starter { color: var(--starter); } span.init { color: var(--init); }
.rows { position: relative; } #full { display: none; } .all #full { display: block; } .all #brief { display: none; }
.rows > svg { position: absolute; top: 0; pointer-events: none; overflow: visible; z-index: 2; }
.rows > .lane-art { left: 34px; } .rows > .thread-art { right: 124px; }
.band { border-left: 4px solid hsl(var(--hue) 45% 55%); background: linear-gradient(90deg, hsl(var(--hue) 50% 50% / .10), hsl(var(--hue) 50% 50% / .02) 75%); }
.band + .band { border-top: 1px solid var(--line); }
.band h2 { margin: 0; height: 34px; padding: 9px 0 0 ${LANES_WIDTH + 34}px; font-size: 12px; line-height: 20px; letter-spacing: .09em; text-transform: uppercase; color: hsl(var(--hue) 42% var(--thread)); }
.band + .band h2 { height: 33px; }
.row { color: inherit; text-decoration: none; overflow: hidden; margin-left: -4px; padding-left: 4px; }
.row:hover { background: hsl(45 60% 50% / .12); }
.row .n { color: var(--soft); font-size: 11px; text-align: right; padding-right: 8px; font-variant-numeric: tabular-nums; }
.row .call { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; padding-right: 10px; }
.row.small .call, .row.small .n { font-size: 10.5px; opacity: .78; }
.row .chip { font-size: 11.5px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; padding-left: 8px; color: var(--soft); }
.chip.added { color: var(--init); } .chip.removed { color: var(--text); }
.row.picked { background: var(--pick); box-shadow: inset 3px 0 var(--pick-line); }
.miss { opacity: .22; } .row:focus-visible { outline-offset: -2px; }
.life { stroke-width: 2.5; opacity: .55; } .life.runtime, .life-end.runtime { stroke: var(--runtime); } .life.starter, .life-end.starter { stroke: var(--starter); } .life.init { stroke: var(--init); }
.life-end { stroke-width: 2.5; opacity: .7; }
.waiting { stroke: var(--bg); stroke-width: 3.5; stroke-dasharray: 4 5; }
.mark { stroke: var(--bg); stroke-width: 1.5; } .mark.runtime { fill: var(--runtime); } .mark.starter { fill: var(--starter); } .mark.init { fill: var(--init); }
.mark.picked { stroke: var(--pick-line); stroke-width: 3.5; }
.arrow { fill: none; stroke: var(--soft); stroke-width: 1.6; } .arrow.clone { stroke: var(--init); stroke-width: 2.6; } .birth { fill: none; stroke: var(--init); stroke-width: 2; }
.head-sync path { fill: var(--soft); } .head-clone path { fill: var(--init); }
.thread { stroke: var(--line); stroke-width: 1.5; } .thread.own { stroke-width: 4; stroke-linecap: round; } .thread.joined { stroke-dasharray: 1 7; }
.knot { stroke: var(--bg); stroke-width: 2; }
${HUES.map((h, i) => `.n${i} { --c: hsl(${h} 60% var(--threads)); stroke: var(--c); fill: var(--c); }`).join('\n')}
.knot { stroke: var(--bg); }
#panel { display: none; position: sticky; top: 60px; max-height: calc(100vh - 72px); overflow: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.js #panel { display: block; }
#panel h3, .steps h3 { margin: 0 0 6px; font-size: 13.5px; font-weight: 600; color: var(--soft); }
.body .call { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 10px; padding: 8px 10px; border-radius: 7px; background: var(--band); font-size: 13px; }
.body .why { font-size: 15.5px; line-height: 1.5; margin: 0 0 12px; }
#panel h4, .body h4 { margin: 14px 0 4px; font-size: 12px; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); }
table { border-collapse: collapse; width: 100%; } th, td { padding: 3px 8px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { text-align: left; white-space: nowrap; overflow-wrap: normal; font-size: 12px; color: var(--soft); font-weight: 600; }
td:first-child { min-width: 66px; } td.raw { color: var(--soft); font-size: 11.5px; }
.facts { margin: 8px 0 0; padding: 0; list-style: none; font-size: 13.5px; }
.ns { display: grid; grid-template-columns: repeat(4, 1fr); gap: 5px; } .ns div { border: 1px solid var(--line); border-radius: 7px; padding: 2px 7px; font-size: 12px; color: var(--soft); overflow: hidden; }
.ns b { display: block; font-size: 13px; color: var(--ink); } .ns .own { border-color: hsl(var(--h) 55% 55%); background: hsl(var(--h) 60% 50% / .14); color: var(--ink); } .now { box-shadow: 0 0 0 2px var(--pick-line); }
.mounts td:nth-child(2) { white-space: nowrap; } .mounts td { font-size: 11.5px; padding: 2px 6px 2px 0; } .mounts tr.now td { background: var(--pick); box-shadow: none; } .mounts tr.now { box-shadow: none; } .mounts .host td { color: var(--soft); font-style: italic; }
.scroll { max-height: 250px; overflow: auto; }
pre.config { margin: 0; max-height: 210px; overflow: auto; background: var(--band); border-radius: 7px; padding: 8px 10px; line-height: 1.45; font-size: 12px; position: relative; }
pre.config span { display: block; white-space: pre-wrap; overflow-wrap: anywhere; min-height: 1.45em; padding-left: 2em; text-indent: -2em; } pre.config .hit, pre.config span:target { background: var(--pick); box-shadow: inset 3px 0 var(--pick-line); }
.steps { max-width: 900px; padding: 10px 20px; } .js .steps { display: none; } .steps > ol { padding: 0; list-style: none; } .steps li.step { border-top: 1px solid var(--line); padding: 14px 0; }
.whole { padding: 10px 20px 40px; } .js .whole { display: none; } .whole pre.config { max-height: none; }
${STORY_STYLE}
@media (max-width: 1180px) {
  .js main { grid-template-columns: minmax(0, 1fr); }
  .js #panel { position: fixed; left: 0; right: 0; bottom: 0; top: auto; max-height: 44vh; border-radius: 12px 12px 0 0; z-index: 6; box-shadow: 0 -6px 24px rgb(0 0 0 / .18); }
  .js body { padding-bottom: 46vh; } html.js { scroll-padding-bottom: 47vh; }
  .bar .keys { display: none; }
}
@media (min-width: 700px) and (max-width: 1180px) { .js #panel { display: grid; grid-template-columns: 1fr 1fr; gap: 0 22px; align-content: start; } #panel section { min-width: 0; grid-column: 2; } #panel #detail { grid-column: 1; grid-row: 1 / span 5; } #panel #config-part h4, #panel #config-none h4 { margin-top: 0; } }
@media (max-width: 640px) { .row, .titles { grid-template-columns: 30px ${LANES_WIDTH}px minmax(60px, 1fr) 0 0; } .thread-art, .titles .threads, .chip, .titles .mounted { display: none; } .rows > .lane-art { left: 30px; } header, .bar, main { padding-left: 10px; padding-right: 10px; } }
@media print { .bar, #panel { display: none !important; } .js .steps, .js .whole { display: block; } .js main { display: block; } .titles { position: static; } }
`.trim();
