// A site with oidc-provider: a confidential client, one route of an API, the package's own pages to log in at.
// With OIDC_MACHINE_SECRET there is a machine's client too, and a second one, whose secret ends in -second. With OIDC_PORT
// the port is that one. With OIDC_PUBLIC_JWK there are clients that sign: one by that key's private half, one by
// OIDC_SHARED_SECRET. OIDC_TOLERANCE is by how many seconds a clock may differ. OIDC_RESOURCES are those that tokens may be
// for, between blanks, the site's own first; with OIDC_ANY_AUDIENCE the site does not ask what a token is for. With
// OIDC_DEVICE_SECRET there are two clients for devices, the second one's secret ends in -second; with OIDC_REUSABLE a
// device code gives more than one token. OIDC_PUSHED says, between blanks, what holds of pushed authorization requests:
// required, any-redirect, reusable; then there is one more client of codes, whose secret ends in -other. With OIDC_NAMELESS
// answers of the authorization endpoint lack their iss. With OIDC_DPOP tokens are bound to keys; "nonce" wants a nonce in each
// proof, "replay" takes one any number of times. The package looks at proofs at /me, the site's own route at none.
// OIDC_MTLS has the site's key and certificate, so that it serves over TLS, and what clients have registered by name, who
// prove themselves by certificates; with "careless" it takes each for that of the first. The package looks at
// the certificates that tokens are bound to at /me, the site's own route at none.
import { X509Certificate, randomBytes } from 'node:crypto';
import { createServer as secured } from 'node:https';
import { createServer } from 'node:net';
import { Provider, errors } from 'oidc-provider';

const freePort = () => new Promise((done) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});

const {
  OIDC_MACHINE_SECRET: machineSecret, OIDC_PORT: fixedPort, OIDC_PUBLIC_JWK: jwk, OIDC_SHARED_SECRET: sharedSecret,
  OIDC_DEVICE_SECRET: deviceSecret, OIDC_REUSABLE: reusable, OIDC_DPOP: dpop,
} = process.env;
const mtls = process.env.OIDC_MTLS && JSON.parse(process.env.OIDC_MTLS);
const shown = (ctx) => {
  const own = ctx.socket.getPeerX509Certificate();
  return own && mtls.careless ? new X509Certificate(Buffer.from(Object.values(mtls.clients)[0].x5c[0], 'base64')) : own;
};
const pushed = process.env.OIDC_PUSHED?.split(' ');
const codes = (name, secret) => ({
  client_id: `site-${name}`,
  client_secret: secret,
  redirect_uris: [process.env.OIDC_REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  dpop_bound_access_tokens: Boolean(dpop),
});
const resources = process.env.OIDC_RESOURCES?.split(' ');
const signing = (method, alg, more) => ({
  token_endpoint_auth_method: method,
  token_endpoint_auth_signing_alg: alg,
  redirect_uris: [],
  grant_types: ['client_credentials'],
  response_types: [],
  ...more,
});
const port = Number(fixedPort) || await freePort();
const issuer = `${mtls ? 'https' : 'http'}://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [codes('app', process.env.OIDC_SECRET), ...(pushed ? [codes('other', `${process.env.OIDC_SECRET}-other`)] : []),
  ...['machine', 'second'].filter(() => machineSecret).map((name) => ({
    client_id: `site-${name}`,
    client_secret: name === 'machine' ? machineSecret : `${machineSecret}-second`,
    redirect_uris: [],
    grant_types: ['client_credentials'],
    response_types: [],
    dpop_bound_access_tokens: Boolean(dpop),
  })), ...['device', 'second'].filter(() => deviceSecret).map((name) => ({
    client_id: name === 'device' ? 'site-device' : 'site-other-device',
    client_secret: name === 'device' ? deviceSecret : `${deviceSecret}-second`,
    redirect_uris: [],
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    response_types: [],
  })), ...(jwk ? [
    signing('private_key_jwt', 'ES256', { client_id: 'site-signer', jwks: { keys: [JSON.parse(jwk)] } }),
    signing('client_secret_jwt', 'HS256', { client_id: 'site-sharer', client_secret: sharedSecret }),
  ] : []), ...Object.entries(mtls?.clients ?? {}).map(([name, key]) => ({
    client_id: `site-${name}`,
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [key] },
    redirect_uris: [process.env.OIDC_REDIRECT_URI],
    grant_types: ['authorization_code', 'client_credentials'],
    response_types: ['code'],
    tls_client_certificate_bound_access_tokens: true,
  }))],
  ...(mtls ? { clientAuthMethods: ['client_secret_basic', 'self_signed_tls_client_auth'] } : {}),
  clockTolerance: Number(process.env.OIDC_TOLERANCE) || 0,
  scopes: ['openid', 'offline_access', 'read'],
  cookies: { keys: [randomBytes(16).toString('hex')] },
  features: {
    devInteractions: { enabled: true },
    dPoP: {
      enabled: Boolean(dpop),
      nonceSecret: dpop === 'nonce' ? randomBytes(32) : undefined,
      requireNonce: () => dpop === 'nonce',
      allowReplay: dpop === 'replay',
    },
    mTLS: {
      enabled: Boolean(mtls),
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      getCertificate: shown,
    },
    clientCredentials: { enabled: Boolean(machineSecret || jwk || mtls) },
    deviceFlow: { enabled: Boolean(deviceSecret) },
    ...(resources ? {
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, indicator) => {
          if (!resources.includes(indicator)) throw new errors.InvalidTarget();
          return { scope: 'read', audience: indicator };
        },
      },
    } : {}),
    ...(pushed ? {
      pushedAuthorizationRequests: {
        enabled: true,
        requirePushedAuthorizationRequests: pushed.includes('required'),
        allowUnregisteredRedirectUris: pushed.includes('any-redirect'),
      },
    } : {}),
    revocation: { enabled: Boolean(jwk) },
    introspection: { enabled: Boolean(jwk || mtls) },
  },
  rotateRefreshToken: true,
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

if (reusable) provider.DeviceCode.prototype.consume = async () => {};

if (pushed?.includes('reusable')) provider.PushedAuthorizationRequest.prototype.consume = async () => {};
provider.use(async (ctx, next) => {
  await next();
  const place = ctx.response.get('location');
  if (process.env.OIDC_NAMELESS && place) ctx.set('location', place.replace(/[?&]iss=[^&]*/, ''));
});
provider.use(async (ctx, next) => {
  if (ctx.path !== '/api/me') return next();
  const [, value] = /^(?:bearer|dpop) ([^ ]+)$/i.exec(ctx.get('authorization')) ?? [];
  const token = value && (await provider.AccessToken.find(value) ?? await provider.ClientCredentials.find(value));
  const isOurs = !resources || process.env.OIDC_ANY_AUDIENCE || token?.aud === resources[0];
  if (token && token.isValid && isOurs) {
    ctx.body = { user: token.accountId ?? token.clientId };
  } else {
    ctx.status = 401;
    ctx.set('www-authenticate', value ? 'Bearer error="invalid_token"' : 'Bearer');
    ctx.body = { error: 'invalid_token' };
  }
});

const ready = () => console.log(`ready ${issuer}`);
if (mtls) {
  // Whoever has signed a certificate: a client has registered it, or a token is bound to it.
  const { key, cert } = mtls;
  secured({ key, cert, requestCert: true, rejectUnauthorized: false }, provider.callback()).listen(port, '127.0.0.1', ready);
} else {
  provider.listen(port, '127.0.0.1', ready);
}
