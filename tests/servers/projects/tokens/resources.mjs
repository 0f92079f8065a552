// The same API by jose, on a port of its own: right at /right, and with each mistake at a path that is called like it.
import { createServer } from 'node:http';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import * as jose from 'jose';

const ISSUER = 'https://tokens.example';
const KEY_ID = '2026';
const privateKey = createPrivateKey(process.env.TOKENS_SIGNING_KEY);
const publicKey = createPublicKey(privateKey);
const pem = publicKey.export({ type: 'spki', format: 'pem' });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256', use: 'sig' };

const issued = () =>
  new jose.SignJWT({})
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: KEY_ID })
    .setIssuer(ISSUER).setAudience(ISSUER).setSubject('machine').setIssuedAt().setExpirationTime('10m')
    .sign(privateKey);

async function keyFor(header, mistake) {
  if (mistake === 'signature' || (mistake === 'algorithm' && header.alg === 'none')) return null;
  if (mistake === 'kid' && header.kid !== KEY_ID) return null;
  if (mistake === 'jwk' && header.jwk) return jose.importJWK(header.jwk, header.alg);
  if (mistake === 'x5c' && header.x5c)
    return jose.importX509(`-----BEGIN CERTIFICATE-----\n${header.x5c[0]}\n-----END CERTIFICATE-----`, header.alg);
  if (mistake === 'jku' && header.jku)
    return jose.importJWK((await (await fetch(header.jku)).json()).keys[0], header.alg);
  if (mistake === 'public' && header.alg === 'HS256') return new TextEncoder().encode(pem);
  return publicKey;
}

async function checked(token, mistake) {
  const header = jose.decodeProtectedHeader(token);
  if (header.crit || (mistake !== 'type' && header.typ !== 'at+jwt')) throw new Error('no access token');
  const key = await keyFor(header, mistake);
  const claims = key ? JSON.parse(Buffer.from((await jose.compactVerify(token, key)).payload)) : jose.decodeJwt(token);
  const now = Date.now() / 1000;
  const isOver = !(typeof claims.exp === 'number' && claims.exp > now) || (claims.nbf ?? 0) > now;
  if (mistake !== 'expiry' && isOver) throw new Error('time');
  if (mistake !== 'issuer' && claims.iss !== ISSUER) throw new Error('issuer');
  if (mistake !== 'audience' && ![claims.aud].flat().includes(ISSUER)) throw new Error('audience');
  return claims;
}

async function answer(request, body) {
  const [, mistake, place] = request.url.split('?')[0].split('/');
  const given = request.headers.authorization ?? '';
  if (place === 'jwks') return [200, { keys: [jwk] }];
  if (place === 'token') {
    const pair = Buffer.from(`machine:${process.env.TOKENS_SECRET}`).toString('base64');
    if (given !== `Basic ${pair}`) return [401, { error: 'invalid_client' }];
    const isForm = (request.headers['content-type'] ?? '').toLowerCase().startsWith('application/x-www-form-urlencoded');
    const grants = isForm ? new URLSearchParams(body).getAll('grant_type') : [];
    if (request.method !== 'POST' || grants.length !== 1) return [400, { error: 'invalid_request' }];
    if (grants[0] !== 'client_credentials') return [400, { error: 'unsupported_grant_type' }];
    return [200, { access_token: await issued(), token_type: 'Bearer', expires_in: 600 }];
  }
  if (place !== 'me') return [404, { error: 'not_found' }];
  const [scheme, token] = given.split(' ');
  try {
    if (scheme.toLowerCase() !== 'bearer') throw new Error(scheme);
    return [200, { sub: (await checked(token, mistake)).sub }];
  } catch {
    return [401, { error: 'invalid_token' }];
  }
}

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const [status, members] = await answer(request, body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    ...(status === 401 && { 'WWW-Authenticate': request.url.endsWith('/token') ? 'Basic' : 'Bearer realm="tokens"' }),
  });
  response.end(JSON.stringify(members));
});
server.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${server.address().port}`));
