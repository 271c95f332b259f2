/**
 * holding-proxy.mjs PORT REGISTRY-PORT FILE: stands before a registry. While FILE is there, no answer
 * gets on further than the number of bytes that FILE says; it goes on once FILE is gone.
 */
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';

const [port, behind, file] = process.argv.slice(2);

function limit() {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Each piece of the body, when the limit lets it through. */
async function* held(body) {
  let sent = 0;
  for await (let piece of body) {
    while (piece.length) {
      const now = piece.subarray(0, Math.max(0, limit() - sent));
      if (now.length === 0) await pause();
      else yield now;
      sent += now.length;
      piece = piece.subarray(now.length);
    }
  }
}

createServer((question, answer) => {
  const { method, url, headers } = question;
  const forwarded = request({ host: '127.0.0.1', port: behind, method, path: url, headers }, async (response) => {
    answer.writeHead(response.statusCode, response.headers);
    try {
      for await (const piece of held(response)) {
        if (answer.destroyed) return response.destroy();
        answer.write(piece);
      }
      answer.end();
    } catch {
      answer.destroy();
    }
  });
  forwarded.on('error', () => answer.destroy());
  question.pipe(forwarded);
}).listen(Number(port), '127.0.0.1');
