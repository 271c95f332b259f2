import { describe, expect, it } from 'vitest';
import { argumentRows } from '../../src/explain/arguments.ts';
import { mountChanges, namespaceChanges } from '../../src/explain/container-state.ts';
import { renderHtml } from '../../src/explain/html.ts';
import { layOut } from '../../src/explain/html-layout.ts';
import { escapeHtml, paintHtml, scriptJson } from '../../src/explain/html-text.ts';
import { jsonLines, linesOf } from '../../src/explain/json-lines.ts';
import { sampleProgram } from './explain-sample.ts';

const { program, config } = sampleProgram({ rootfs: '/srv/rootfs', args: ['/bin/sh'] });
const stepOf = (name: string, nth = 0) => program.steps.flatMap((s, i) => (s.call.name === name ? [i] : []))[nth] as number;

describe('the state of the container, step by step', () => {
  it('knows which step gives which namespace', () => {
    expect(namespaceChanges(program)).toEqual([
      { step: stepOf('clone'), namespace: 'pid', becomes: 'new' },
      { step: stepOf('unshare', 0), namespace: 'uts', becomes: 'new' },
      { step: stepOf('unshare', 1), namespace: 'mnt', becomes: 'new' },
    ]);
  });

  it('follows descriptors to the paths that are mounted on', () => {
    const { changes } = mountChanges(program);
    expect(changes.map((c) => [c.step, c.kind, c.label])).toEqual([
      [stepOf('mount', 0), 'changed', 'private everywhere'],
      [stepOf('mount', 1), 'added', '+ /'],
      [stepOf('mount', 2), 'added', '+ /proc'],
      [stepOf('move_mount'), 'added', '+ /data'],
      [stepOf('pivot_root'), 'changed', 'the rootfs becomes /'],
      [stepOf('umount2'), 'removed', "− the host's file tree"],
    ]);
    expect(changes.at(-1)?.table.map((m) => [m.target, m.type, m.options])).toEqual([
      ['/', 'bind', []],
      ['/proc', 'proc', ['nosuid', 'nodev', 'noexec']],
      ['/data', 'bind', []],
    ]);
  });
});

describe('layout', () => {
  const layout = layOut(program);

  it('puts steps below each other in causal order, without gaps or overlaps', () => {
    let y = 0;
    for (const band of layout.bands) {
      expect(band.top).toBe(y);
      expect(band.rows[0]?.top).toBeGreaterThan(y);
      y += band.height;
    }
    layout.rows.forEach((row, i) =>
      expect(row.top).toBeGreaterThanOrEqual((layout.rows[i - 1]?.top ?? 0) + (layout.rows[i - 1]?.height ?? 0)),
    );
    expect(layout.rows).toHaveLength(program.steps.length);
  });

  it('leaves small steps out of the brief picture, and draws the rest as before', () => {
    const brief = layOut(program, false);
    brief.rows.forEach((row, i) => expect(row.height > 0).toBe(program.steps[i]?.minor !== true));
    expect(brief.bands.flatMap((b) => b.rows).every((row) => row.height > 0)).toBe(true);
    expect(brief.height).toBeLessThan(layout.height);
    expect(brief.arrows).toHaveLength(layout.arrows.length);
  });

  it('draws each signal to its wait, and the birth of init', () => {
    expect(layout.arrows.map((a) => [a.kind, a.token, a.from.lane, a.to.lane])).toEqual([
      ['clone', '', 1, 2],
      ['sync', 'cloned', 1, 0],
      ['sync', 'placed', 0, 2],
    ]);
    for (const a of layout.arrows) expect(a.to.y).toBeGreaterThanOrEqual(a.from.y);
  });
});

describe('arguments', () => {
  it('names, numbers and decodes each of them', () => {
    const rows = argumentRows(program.steps[stepOf('mount', 2)]?.call ?? { name: '', args: [] }, () => '/proc in the rootfs');
    expect(rows.map((r) => r.name)).toEqual(['source', 'target', 'filesystemtype', 'mountflags', 'data']);
    expect(rows[1]?.decoded).toBe('"/proc/self/fd/<target.1>" = /proc in the rootfs');
    expect(rows[3]).toEqual({ name: 'mountflags', raw: '14 = 0xe', decoded: 'MS_NOSUID|MS_NODEV|MS_NOEXEC' });
  });

  it('takes structs apart', () => {
    const rows = argumentRows(program.steps[stepOf('openat2')]?.call ?? { name: '', args: [] });
    expect(rows.find((r) => r.name === 'how.resolve')).toEqual({ name: 'how.resolve', raw: '16 = 0x10', decoded: 'RESOLVE_IN_ROOT' });
  });
});

describe('lines of a config', () => {
  const json = jsonLines({ a: [{ b: 1 }, { c: ['x', 'y'] }], 'd/e': {}, f: '\u202ex' });

  it('prints JSON that means the same', () => {
    expect(JSON.parse(json.lines.join('\n'))).toEqual({ a: [{ b: 1 }, { c: ['x', 'y'] }], 'd/e': {}, f: '\u202ex' });
    expect(json.lines.join('\n')).not.toContain('\u202e');
  });

  it('finds the lines of a pointer, or of its nearest parent', () => {
    expect(linesOf(json, '#/a/1')).toEqual([5, 7]);
    expect(linesOf(json, '#/a/1/c/0')).toEqual([6, 6]);
    expect(linesOf(json, '#/a/9/z')).toEqual([1, 8]);
    expect(linesOf(json, '#/d~1e')).toEqual([9, 9]);
    expect(linesOf(json, '#/missing')).toBeUndefined();
    expect(linesOf(json, 'minirun')).toBeUndefined();
  });
});

describe('text in HTML', () => {
  it('escapes what could become markup, script or a change of direction', () => {
    expect(escapeHtml(`<a href="x" title='y'>&\u202e`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;\\u202e');
    expect(scriptJson({ t: '</script><!--\u2028' })).toBe('{"t":"\\u003c/script\\u003e\\u003c!--\\u2028"}');
  });

  it('colours a call without losing or adding a letter', () => {
    const call = 'mount("<b>", "/proc/self/fd/<x>", MS_BIND|0x4, <img src=x>)';
    const plain = paintHtml(call).replace(/<\/?[bi](?: class="[sfr]")?>/g, '');
    expect(plain).toBe(escapeHtml(call));
  });
});

describe('renderHtml', () => {
  const attack = '</script><script>alert(1)</script><img src=x onerror=alert(2)>"\'';
  const hostile = sampleProgram({ rootfs: `/srv/${attack}`, args: ['/bin/sh', attack], hostname: attack });
  hostile.program.steps.push({
    ...(program.steps[0] as (typeof program.steps)[0]),
    why: attack,
    from: `#/${attack}`,
    man: attack,
    saves: attack,
  });
  hostile.program.warnings.push(attack);
  const html = renderHtml(hostile.program, { ...hostile.config, annotations: { [attack]: attack } });

  it('lets nothing from a config become markup', () => {
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    expect(html).not.toMatch(/<img/i);
    expect(html).not.toContain(attack);
  });

  it('loads nothing, and allows no script but its own', () => {
    expect(html).not.toMatch(/<link|<iframe|@import|url\((?!#)|src=(?!x)/);
    expect(html).toMatch(/Content-Security-Policy" content="default-src &#39;none&#39;;[^"]*script-src &#39;sha256-/);
  });

  it('carries data that its script can read', () => {
    const data = JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)?.[1] ?? '') as {
      steps: unknown[];
      tables: unknown[];
    };
    expect(data.steps).toHaveLength(hostile.program.steps.length);
    expect(data.tables).toHaveLength(7);
  });

  it('has every step with its why in the list that needs no script, and config lines to link to', () => {
    const page = renderHtml(program, config);
    program.steps.forEach((step, i) => {
      expect(page).toContain(`id="step-${i + 1}"`);
      expect(page).toContain(`<p class="why">${escapeHtml(step.why)}</p>`);
    });
    const [first] = linesOf(jsonLines(config), '#/mounts/0') ?? [0];
    expect(page).toContain(`href="#config-${first + 1}"`);
    expect(page).toContain(`id="config-${first + 1}"`);
  });
});
