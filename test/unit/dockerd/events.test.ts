import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Message, openEvents } from '../../../src/dockerd/events.ts';
import { eventFilter, eventSpan, eventTime, pastEvents } from '../../../src/dockerd/system/event-filter.ts';
import { streamEvents } from '../../../src/dockerd/system/event-stream.ts';

const message = (Type: string, Action: string, ID: string, Attributes: Record<string, string> = {}, timeNano = 0): Message => ({
  Type,
  Action,
  Actor: { ID, Attributes },
  scope: 'local',
  time: Math.floor(timeNano / 1e9),
  timeNano,
});

const start = message('container', 'start', 'abc123', { image: 'busybox:latest', name: 'web', tier: 'front' });
const health = message('container', 'health_status: healthy', 'abc123', { image: 'busybox:latest', name: 'web' });
const pulled = message('image', 'pull', 'docker.io/library/busybox:latest', { name: 'busybox:latest' });
const connected = message('network', 'connect', 'f00d', { name: 'none', container: 'abc123' });
const all = [start, health, pulled, connected];
const kept = (filters: Record<string, string[]>) => all.filter(eventFilter(new Map(Object.entries(filters))));

describe('filters of events', () => {
  test.each<[string, Record<string, string[]>, Message[]]>([
    ['nothing', {}, all],
    ['an empty list', { type: [] }, all],
    ['type', { type: ['image', 'network'] }, [pulled, connected]],
    ['event, exactly', { event: ['star'] }, []],
    ['event', { event: ['start'] }, [start]],
    ['event with more behind it', { event: ['health_status'] }, [health]],
    ['event with all of it', { event: ['health_status: healthy'] }, [health]],
    ['container by the beginning of its id', { container: ['abc'] }, [start, health]],
    ['container by name', { container: ['web'] }, [start, health]],
    ['image', { image: ['busybox:latest'] }, [start, health, pulled]],
    ['image without its tag', { image: ['busybox'] }, [start, health, pulled]],
    ['network', { network: ['none'] }, [connected]],
    ['label', { label: ['tier'] }, [start]],
    ['label with a value', { label: ['tier=back'] }, []],
    ['scope', { scope: ['swarm'] }, []],
    ['several, which must all fit', { type: ['container'], event: ['start'], label: ['tier=front'] }, [start]],
  ])('%s', (_, filters, expected) => {
    expect(kept(filters)).toEqual(expected);
  });
});

describe('times', () => {
  test('seconds, with a fraction', () => {
    expect(eventTime('since', '1700000000')).toBe(1_700_000_000_000_000_000n);
    expect(eventTime('since', '1700000000.05')).toBe(1_700_000_000_050_000_000n);
    expect(eventTime('since', '1700000000.123456789')).toBe(1_700_000_000_123_456_789n);
    expect(eventTime('since', null)).toBe(0n);
  });
  test.each(['yesterday', '1.2.3', '1e9', '2026-01-01'])('%s is refused', (text) => {
    expect(() => eventTime('since', text)).toThrow(/invalid value for since/);
  });
  test('an end before the beginning is refused', () => {
    expect(() => eventSpan('20', '10')).toThrow('`since` time (20) cannot be after `until` time (10)');
  });
  test('the past is told to those who ask for it', () => {
    const past = [1, 2, 3].map((seconds) => message('volume', 'create', 'v', {}, seconds * 1e9));
    expect(pastEvents(past, eventSpan(null, null))).toEqual([]);
    expect(pastEvents(past, eventSpan('2', null))).toEqual(past.slice(1));
    expect(pastEvents(past, eventSpan(null, '2'))).toEqual(past.slice(0, 2));
    expect(pastEvents(past, eventSpan('1.5', '2.5'))).toEqual(past.slice(1, 2));
  });
});

/** A call whose answer is read, or not. */
function callWith(query: string) {
  const response = new PassThrough({ highWaterMark: 1024 });
  response.on('error', () => undefined);
  const signal = new AbortController().signal;
  return { response, call: { query: new URLSearchParams(query), signal, stream: () => response as never } };
}

describe('the stream', () => {
  test('tells what happens until its end', async () => {
    const events = openEvents();
    const { response, call } = callWith(`until=${(Date.now() + 60) / 1000}`);
    const done = streamEvents(events, call);
    events.publish('volume', 'create', 'v');
    await done;
    expect(response.read().toString()).toMatch(/^\{"Type":"volume","Action":"create".*\}\n$/);
    expect(events.listeners()).toBe(0);
  });
  test('an end in the past: what is known, and no more', async () => {
    const events = openEvents(() => 5_000_000_000n);
    events.publish('volume', 'create', 'v');
    const { response, call } = callWith('since=1&until=9');
    await streamEvents(events, call);
    expect(response.read().toString().split('\n')).toHaveLength(2);
  });
  test('who goes is forgotten', async () => {
    const events = openEvents();
    const { response, call } = callWith('');
    const done = streamEvents(events, call);
    expect(events.listeners()).toBe(1);
    response.destroy();
    await done;
    expect(events.listeners()).toBe(0);
  });
  test('who does not read is cut off', async () => {
    const events = openEvents();
    const { response, call } = callWith('');
    const done = streamEvents(events, call);
    const long = { text: 'x'.repeat(10_000) };
    for (let i = 0; i < 1000 && !response.destroyed; i++) events.publish('container', 'start', 'c', long);
    await done;
    expect(response.destroyed).toBe(true);
    expect(response.writableLength).toBeLessThan(2 << 20);
    expect(events.listeners()).toBe(0);
  });
  test('of what happened 256 are kept', async () => {
    const events = openEvents();
    for (let i = 0; i < 300; i++) events.publish('volume', 'create', String(i));
    await sleep(1);
    expect(events.past()).toHaveLength(256);
    expect(events.past()[0]?.Actor.ID).toBe('44');
  });
});
