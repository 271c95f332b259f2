/** What --log-driver and --log-opt may say, in Docker's words. */
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { logOptions, timestamp } from '../../../src/dockerd/api/logs.ts';
import { attributesOf, type LoggedContainer } from '../../../src/dockerd/container/logs/attributes.ts';
import { checkLogConfig, logConfigOf, logPathOf, logSettings } from '../../../src/dockerd/container/logs/drivers.ts';

const json = (Config: Record<string, string>) => ({ Type: 'json-file', Config });

describe('options', () => {
  it.each([
    [{ Type: 'gelf', Config: {} }, "logger: no log driver named 'gelf' is registered"],
    [{ Type: 'constructor', Config: {} }, "logger: no log driver named 'constructor' is registered"],
    [json({ x: 'y' }), "unknown log opt 'x' for json-file log driver"],
    [{ Type: 'local', Config: { x: 'y' } }, "unknown log opt 'x' for log driver local"],
    [json({ mode: 'fast' }), 'logger: logging mode not supported: fast'],
    [json({ 'max-buffer-size': '1m' }), "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
    [json({ mode: 'non-blocking', 'max-buffer-size': 'x' }), "error parsing option max-buffer-size: invalid size: 'x'"],
    [json({ 'max-size': '10x' }), "invalid size: '10x'"],
    [json({ 'max-size': '-1' }), "invalid size: '-1'"],
    [json({ 'max-size': '0' }), 'max-size must be a positive number'],
    [json({ 'max-file': '0' }), 'max-file cannot be less than 1'],
    [json({ 'max-file': 'two' }), 'invalid value for max-file: "two" is not a whole number'],
    [json({ compress: 'true' }), 'compress cannot be true when max-file is less than 2 or max-size is not set'],
    [json({ compress: 'maybe' }), 'invalid boolean value for compress: "maybe"'],
    [json({ tag: '{{.ID}}/{{json .}}' }), 'invalid value for tag: {{json .}} is none of'],
    [json({ 'env-regex': '(' }), 'invalid value for env-regex: '],
  ])('%j is refused', (config, message) => {
    expect(() => checkLogConfig(config)).toThrow(expect.objectContaining({ status: 400, message: expect.stringContaining(message) }));
  });

  it('of none are not looked at', () => {
    expect(() => checkLogConfig({ Type: 'none', Config: { anything: 'x' } })).not.toThrow();
    expect(logSettings({ Type: 'none', Config: {} }, '/f', 'id')).toBeUndefined();
  });

  it('come to a file and its limits', () => {
    const config = json({ 'max-size': '10m', 'max-file': '3', compress: 'true', mode: 'non-blocking', 'max-buffer-size': '4m' });
    checkLogConfig(config);
    expect(logSettings(config, '/f', 'id')).toEqual({ path: '/f/id-json.log', maxSize: 10_000_000, maxFiles: 3, compress: true });
    expect(logSettings(json({}), '/f', 'id')).toEqual({ path: '/f/id-json.log', maxFiles: 1, compress: false });
    expect(logSettings({ Type: 'local', Config: {} }, '/f', 'id')).toEqual({
      path: '/f/local-logs/container.log',
      maxSize: 20 << 20,
      maxFiles: 5,
      compress: true,
    });
    expect(logPathOf({ Type: 'json-file', Config: {} }, '/f', 'id')).toBe('/f/id-json.log');
    expect(logPathOf({ Type: 'local', Config: {} }, '/f', 'id')).toBe('');
  });

  it("of the daemon count for its own driver where a container's do not say", () => {
    const daemon = json({ 'max-size': '1m', 'max-file': '2' });
    expect(logConfigOf(undefined, daemon)).toEqual(daemon);
    expect(logConfigOf({ Type: '', Config: { 'max-file': '5' } }, daemon)).toEqual(json({ 'max-size': '1m', 'max-file': '5' }));
    expect(logConfigOf({ Type: 'local', Config: undefined }, daemon)).toEqual({ Type: 'local', Config: {} });
  });
});

describe('attributes', () => {
  const container: LoggedContainer = {
    id: '0123456789abcdef'.repeat(4),
    name: 'web',
    imageName: 'busybox:latest',
    imageId: `sha256:${'fedcba9876543210'.repeat(4)}`,
    command: ['sh', '-c', 'x'],
    env: ['A=1', 'B=2=3', 'EMPTY'],
    labels: { one: '1', two: '2' },
  };

  it('are none unless asked for', () => expect(attributesOf({}, container)).toBe(''));

  it('are labels and variables by name or pattern, in order', () => {
    expect(attributesOf({ labels: 'two,three', env: 'B' }, container)).toBe('{"B":"2=3","two":"2"}');
    expect(attributesOf({ 'labels-regex': '^t', 'env-regex': '[A]' }, container)).toBe('{"A":"1","two":"2"}');
  });

  it('have a tag made of fields', () => {
    const tag = '{{.ImageName}}/{{.Name}}/{{ .ID }}/{{.ImageID}}/{{.Command}}/{{.Hostname}}/{{.DaemonName}}';
    expect(JSON.parse(attributesOf({ tag }, container))).toEqual({
      tag: `busybox:latest/web/0123456789ab/fedcba987654/sh -c x/${hostname()}/docker`,
    });
  });
});

describe('what a client asks for', () => {
  const query = (text: string) => new URLSearchParams(text);

  it('needs a stream', () => {
    expect(() => logOptions(query('follow=1'), false)).toThrow('Bad parameters: you must choose at least one stream');
  });

  it('has a tail that is a number, or all', () => {
    const tail = (text: string) => logOptions(query(`stdout=1&tail=${text}`), false).tail;
    expect([tail('all'), tail(''), tail('x'), tail('-1'), tail('0'), tail('7')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      0,
      7,
    ]);
  });

  it('has times in seconds with a fraction', () => {
    expect(timestamp(query('since=1714557600.12'), 'since')).toBe(1_714_557_600_120_000_000n);
    expect(timestamp(query('since=1714557600.123456789123'), 'since')).toBe(1_714_557_600_123_456_789n);
    expect(timestamp(query(''), 'since')).toBeUndefined();
    expect(() => timestamp(query('since=yesterday'), 'since')).toThrow('invalid value for "since"');
    expect(logOptions(query('stdout=1&until=0'), false).until).toBeUndefined();
  });
});
