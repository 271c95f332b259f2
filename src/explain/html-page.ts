/** The page around the picture: one file that needs no other, and lets nothing in from outside. */
import { createHash } from 'node:crypto';
import { NAMESPACES } from './container-state.ts';
import { LANES, threadX } from './html-layout.ts';
import { SCRIPT } from './html-script.ts';
import { STYLE } from './html-style.ts';
import { escapeHtml, scriptJson } from './html-text.ts';

export interface PageParts {
  title: string;
  /** All of these are HTML. */
  heading: string;
  intro: string;
  /** The messages of a real run, above the program that they set going. */
  story?: string;
  /** The program; a page of messages alone has none. */
  picture?: string;
  steps?: string;
  config?: string;
  /** For the script: plain data. */
  data?: unknown;
}

const titles = `<div class="titles"><span></span><span class="lanes">${LANES.map((l) => `<span class="${l}">${l}</span>`).join('')}</span><span>the call</span><span class="threads" aria-label="namespaces">${NAMESPACES.map((n, i) => `<span style="left:${threadX(i)}px">${n}</span>`).join('')}</span><span class="mounted">&nbsp; mounts</span></div>`;

/** What the browser may do with this page: show it, and run the one script that we wrote. */
const policy = `default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`;

/** Puts the page together. */
export const page = (p: PageParts): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(p.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${p.heading}</h1>${p.story ? '' : p.intro}</header>
${p.story ? `${p.story}${p.picture === undefined ? '' : `<header><h2>The program: what runc does</h2>${p.intro}</header>`}` : ''}
${p.picture === undefined ? '' : programParts(p)}
</body>
</html>
`;

/** The picture of a program, with the panel beside it and the texts below. */
const programParts = (p: PageParts): string => `<nav class="bar" aria-label="Walk through the steps">
<button id="play" type="button" aria-pressed="false">▶ Play</button>
<button id="back" type="button" aria-label="Previous step">▲</button><button id="forth" type="button" aria-label="Next step">▼</button>
<label><input id="all" type="checkbox"> small steps too</label>
<input id="search" type="search" placeholder="Search the steps" aria-label="Search the steps"><output id="hits" for="search"></output>
<span class="keys"><kbd>j</kbd> <kbd>k</kbd> or <kbd>↓</kbd> <kbd>↑</kbd> walk · <kbd>space</kbd> plays · <kbd>/</kbd> searches</span>
</nav>
<main>
<section class="picture" aria-label="The steps in their order, on the lanes of the processes that make them">${titles}${p.picture}</section>
<aside id="panel" aria-live="polite" aria-label="The chosen step">
<section id="detail" class="body"></section>
<section id="config-part"><h4>Asked for by config.json</h4><pre class="config" id="config" tabindex="0" aria-label="config.json, with the lines that ask for this step marked">${p.config}</pre></section>
<section id="config-none"><h4>Asked for by config.json</h4>Nothing in it: minirun does this by itself.</section>
<section><h4>Namespaces after this step</h4><div class="ns" id="ns"></div></section>
<section><h4>Mount table inside after this step: <span id="mount-count"></span></h4><div class="scroll" tabindex="0" aria-label="Mount table"><table class="mounts" id="mounts"><thead><tr><th>on</th><th>type</th><th>from</th><th>options</th></tr></thead><tbody></tbody></table></div></section>
</aside>
</main>
<section class="steps"><h2>All steps as text</h2>${p.steps}</section>
<section class="whole"><h2>config.json</h2><pre class="config">${(p.config ?? '').replace(/<span>/g, lineAnchors())}</pre></section>
<script type="application/json" id="data">${scriptJson(p.data)}</script>
<script>${SCRIPT}</script>`;

/** Numbers the lines, so that the list of steps can link to them. */
function lineAnchors(): () => string {
  let line = 0;
  return () => `<span id="config-${++line}">`;
}
