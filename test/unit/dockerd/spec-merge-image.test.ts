import { describe, expect, test } from 'vitest';
import { mergeImage } from '../../../src/dockerd/container/spec/merge-image.ts';
import { processArgs } from '../../../src/dockerd/container/spec/process-args.ts';

const IMAGE = { Entrypoint: ['/entry'], Cmd: ['default'], Env: ['PATH=/image', 'A=image'], User: 'web', WorkingDir: '/srv' };
const args = (config: Parameters<typeof mergeImage>[0], image: Parameters<typeof mergeImage>[1] = IMAGE) =>
  processArgs(mergeImage(config, image));

describe('the command', () => {
  test("the image's, unless the client has one", () => {
    expect(args({})).toEqual(['/entry', 'default']);
    expect(args({ Cmd: ['mine'] })).toEqual(['/entry', 'mine']);
    expect(args({ Cmd: [] })).toEqual(['/entry', 'default']);
  });

  test("an entry point of its own leaves the image's command aside", () => {
    expect(args({ Entrypoint: ['/own'] })).toEqual(['/own']);
    expect(args({ Entrypoint: ['/own'], Cmd: ['x'] })).toEqual(['/own', 'x']);
    expect(args({ Entrypoint: [], Cmd: ['x'] })).toEqual(['x']);
  });

  test("an empty one takes the image's away", () => {
    expect(args({ Entrypoint: [''], Cmd: ['x'] })).toEqual(['x']);
    expect(() => args({ Entrypoint: [''] })).toThrow('No command specified');
    expect(() => args({}, {})).toThrow('No command specified');
  });
});

test('the client comes first, then what only the image says', () => {
  const merged = mergeImage(
    { Env: ['A=mine', 'B'], Labels: { a: '1' }, ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': {} }, User: 'me' },
    { ...IMAGE, Labels: { a: '2', b: '3' }, ExposedPorts: { '90/tcp': {} }, Volumes: { '/w': {} }, StopSignal: 'SIGINT' },
  );
  expect(merged).toMatchObject({
    Env: ['A=mine', 'B', 'PATH=/image'],
    Labels: { a: '1', b: '3' },
    ExposedPorts: { '80/tcp': {}, '90/tcp': {} },
    Volumes: { '/v': {}, '/w': {} },
    User: 'me',
    WorkingDir: '/srv',
    StopSignal: 'SIGINT',
  });
});

test('each part of a health check may come from another side', () => {
  const image = { ...IMAGE, Healthcheck: { Test: ['CMD', 'image'], Interval: 5, Retries: 2 } };
  expect(mergeImage({}, image).Healthcheck).toEqual(image.Healthcheck);
  expect(mergeImage({ Healthcheck: { Interval: 9 } }, image).Healthcheck).toMatchObject({
    Test: ['CMD', 'image'],
    Interval: 9,
    Retries: 2,
  });
  expect(mergeImage({ Healthcheck: { Test: ['NONE'] } }, image).Healthcheck?.Test).toEqual(['NONE']);
});
