/** `minirun images [options] [REPOSITORY[:TAG]]` */
import type { Command } from 'commander';
import type { ImageInfo } from 'dockerode';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { readConfig } from '../connect/docker-config.ts';
import { ask, filtersOf } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { FORMAT_HELP, type Listing, printList } from '../output/listing.ts';
import { ago, goTime, humanSize, shortId } from '../output/units.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun images', 'List images.')
      .option('-a, --all', 'also those that others are made of')
      .option('--digests', 'show digests')
      .option('-f, --filter <NAME=VALUE>', 'only those that fit: dangling, label, before, since, reference', gather)
      .option('--format <FORMAT>', FORMAT_HELP)
      .option('--no-trunc', 'whole ids')
      .option('-q, --quiet', 'only their ids')
      .usage('[options] [REPOSITORY[:TAG]]'),
    ['images', 'all that have a name, or that nothing is made of'],
    ['images --filter dangling=true -q', 'ids of those that have no name'],
    ["images --format '{{.Repository}}:{{.Tag}} {{.Size}}'", 'lines of your own'],
  );

interface Row {
  image: ImageInfo;
  repository: string;
  tag: string;
  digest: string;
}

const listing = (whole: boolean, digests: boolean): Listing<Row> => ({
  columns: {
    Repository: { header: 'REPOSITORY', value: (r) => r.repository },
    Tag: { header: 'TAG', value: (r) => r.tag },
    Digest: { header: 'DIGEST', value: (r) => r.digest },
    ID: { header: 'IMAGE ID', value: (r) => (whole ? r.image.Id : shortId(r.image.Id)) },
    CreatedSince: { header: 'CREATED', value: (r) => ago(r.image.Created) },
    CreatedAt: { header: 'CREATED AT', value: (r) => goTime(r.image.Created * 1000) },
    Size: { header: 'SIZE', value: (r) => humanSize(r.image.Size) },
    VirtualSize: { header: 'SIZE', value: (r) => humanSize(r.image.Size, 4) },
    SharedSize: { header: 'SHARED SIZE', value: (r) => (r.image.SharedSize < 0 ? 'N/A' : humanSize(r.image.SharedSize)) },
    UniqueSize: {
      header: 'UNIQUE SIZE',
      value: (r) => (r.image.SharedSize < 0 ? 'N/A' : humanSize(r.image.Size - r.image.SharedSize)),
    },
    Containers: { header: 'CONTAINERS', value: (r) => (r.image.Containers < 0 ? 'N/A' : String(r.image.Containers)) },
  },
  shown: ['Repository', 'Tag', ...(digests ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size'],
});

const NONE = '<none>';

/** A row for each name; with digests, for each name and digest. */
function rowsOf(image: ImageInfo, digests: boolean): Row[] {
  const names = (image.RepoTags ?? []).filter((name) => name !== '<none>:<none>');
  const known = new Map((image.RepoDigests ?? []).map((entry) => entry.split('@', 2) as [string, string]));
  if (names.length === 0) {
    const [[repository, digest] = [NONE, NONE]] = [...known];
    return [{ image, repository, tag: NONE, digest: digests ? digest : NONE }];
  }
  return names.map((name) => {
    const colon = name.lastIndexOf(':');
    const repository = name.slice(0, colon);
    return { image, repository, tag: name.slice(colon + 1), digest: known.get(repository) ?? NONE };
  });
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [reference] = takeOperands(parsed, parseCommand(parsed, args), ['[REPOSITORY]']);
  const o = parsed.opts<{ all?: boolean; digests?: boolean; filter?: string[]; format?: string; trunc: boolean; quiet?: boolean }>();
  const given = filtersOf(o.filter) ?? {};
  const filters = { ...given, ...(reference === undefined ? {} : { reference: [...(given.reference ?? []), reference] }) };
  const query = { all: o.all ? 1 : undefined, filters: Object.keys(filters).length > 0 ? filters : undefined };
  const images = await ask<ImageInfo[]>(await connect(context), '/images/json', { query });
  const digests = o.digests === true || /\.Digest/.test(o.format ?? '');
  const rows = images.sort((a, b) => b.Created - a.Created).flatMap((image) => rowsOf(image, digests));
  // An image with two names is one id.
  const shown = o.quiet ? rows.filter((row, n) => rows.findIndex((other) => other.image.Id === row.image.Id) === n) : rows;
  printList(shown, listing(!o.trunc, o.digests === true), { format: o.format ?? readConfig().imagesFormat, quiet: o.quiet && 'ID' });
  return 0;
}
