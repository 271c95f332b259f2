/**
 * Proving who we are: a password (Basic), or a token that another server gives for a while and for
 * certain repositories (Bearer).
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
import { Code, ConnectError } from '@connectrpc/connect';
import type { Challenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import { type Incoming, type Outgoing, readBody, shownUrl } from './http-request.ts';
import { errorOf } from './registry-error.ts';

const CLIENT_ID = 'minirun';
const MAX_TOKEN = 1 << 20;
/** Seconds that a token is good for when its server does not say. */
const DEFAULT_LIFE = 60;

export type Ask = (outgoing: Outgoing, why: string) => Promise<Incoming>;

export interface Authorizer {
  /** The Authorization header for requests of these scopes, as far as the registry has asked for one yet. */
  header(scopes: readonly string[], signal?: AbortSignal): Promise<string | undefined>;
  /**
   * Learns from the challenges of a 401.
   * @param refused the header that was sent, if any
   * @returns whether another try has a chance
   */
  challenged(challenges: readonly Challenge[], refused: string | undefined): boolean;
}

interface Token {
  text: string;
  /** milliseconds since the epoch */
  until: number;
}

const unauthorized = (text: string) => new ConnectError(`failed to authorize: ${text}`, Code.Unauthenticated);

/**
 * One registry's. What is secret goes to the registry itself, or to the token server that it names.
 * @param registry its URL
 * @param ask sends a request, following redirects
 */
export function createAuthorizer(registry: URL, credentials: Credentials | undefined, ask: Ask): Authorizer {
  let challenge: Challenge | undefined;
  const tokens = new Map<string, Promise<Token>>();

  /** Is there anything to prove ourselves with? */
  const known = credentials !== undefined && (credentials.identityToken !== undefined || credentials.username !== undefined);

  const basic = () => `Basic ${Buffer.from(`${credentials?.username ?? ''}:${credentials?.password ?? ''}`).toString('base64')}`;

  /** @throws when the address is none that a secret could be sent to */
  const realmOf = (parameters: Record<string, string>): URL => {
    const { realm = '' } = parameters;
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    if (!url || !/^https?:$/.test(url.protocol))
      throw unauthorized(`${registry.host} names no token server that can be asked: realm=${JSON.stringify(realm)}`);
    if (known && registry.protocol === 'https:' && url.protocol === 'http:') {
      throw unauthorized(`${registry.host} wants the password to be sent to ${shownUrl(url)} unencrypted; refused`);
    }
    return url;
  };

  const fetchToken = async (scopes: readonly string[], { parameters }: Challenge, signal?: AbortSignal): Promise<Token> => {
    const url = realmOf(parameters);
    const { service } = parameters;
    const common = signal ? { signal } : {};
    const identity = credentials?.identityToken;
    let incoming: Incoming;
    if (identity !== undefined) {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: identity,
        client_id: CLIENT_ID,
        scope: scopes.join(' '),
      });
      if (service !== undefined) form.set('service', service);
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      incoming = await ask(
        { method: 'POST', url, headers, body: Buffer.from(form.toString()), ...common },
        'a token for the identity token of docker login',
      );
    } else {
      if (service !== undefined) url.searchParams.set('service', service);
      for (const scope of scopes) url.searchParams.append('scope', scope);
      if (known) url.searchParams.set('account', credentials?.username ?? '');
      incoming = await ask(
        { method: 'GET', url, headers: known ? { Authorization: basic() } : {}, ...common },
        `a token that allows ${scopes.join(' and ') || 'to look'}`,
      );
    }
    if (incoming.status !== 200) {
      const error = await errorOf(identity === undefined ? 'GET' : 'POST', incoming);
      throw new ConnectError(
        `failed to authorize: failed to fetch ${known ? 'oauth' : 'anonymous'} token: ${error.rawMessage}`,
        error.code,
      );
    }
    const text = (await readBody(incoming, MAX_TOKEN)).toString();
    let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown };
    try {
      answer = JSON.parse(text);
    } catch {
      throw unauthorized(`${shownUrl(url)} answered with something that is not JSON`);
    }
    const token = answer.token || answer.access_token;
    // It becomes a header: a line break in it would begin another one.
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw unauthorized(`${shownUrl(url)} answered without a token`);
    const life = typeof answer.expires_in === 'number' && answer.expires_in > 0 ? answer.expires_in : DEFAULT_LIFE;
    // Spend it a little early: it has to arrive, too.
    return { text: token, until: Date.now() + life * 900 };
  };

  return {
    header: async (scopes, signal) => {
      if (credentials?.registryToken !== undefined) return `Bearer ${credentials.registryToken}`;
      if (challenge === undefined) return undefined;
      if (challenge.scheme === 'basic') return basic();
      const wanted = [...new Set([...scopes, ...(challenge.parameters.scope?.split(' ') ?? [])])].filter((scope) => scope !== '').sort();
      const key = wanted.join(' ');
      const pending = tokens.get(key);
      const kept = pending && (await pending.catch(() => undefined));
      if (kept && kept.until > Date.now()) return `Bearer ${kept.text}`;
      const newer = tokens.get(key);
      if (newer && newer !== pending) return `Bearer ${(await newer).text}`;
      const fetching = fetchToken(wanted, challenge, signal);
      tokens.set(key, fetching);
      // Who fails must not make all later ones fail.
      fetching.catch(() => tokens.delete(key));
      return `Bearer ${(await fetching).text}`;
    },
    challenged: (challenges, refused) => {
      const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
      const simple = challenges.find(({ scheme }) => scheme === 'basic');
      const next = bearer ?? (known ? simple : undefined);
      if (next === undefined || credentials?.registryToken !== undefined) return false;
      if (next.scheme === 'basic' && refused === basic()) return false;
      // A scope of the challenge counts for this request's repository only; the caller's own scopes say the rest.
      challenge = { ...next, parameters: { ...next.parameters, scope: '' } };
      if (refused?.startsWith('Bearer ')) {
        for (const [key, token] of tokens)
          void token.then(({ text }) => refused === `Bearer ${text}` && tokens.delete(key)).catch(() => {});
      }
      return true;
    },
  };
}
