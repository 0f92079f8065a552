// Two shops as their packages' manuals have them: Express with jsonwebtoken, and Fastify with @fastify/jwt in a cookie.
// Each is served whole at /whole, and without one protection at the path of that name.
import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import cookie from '@fastify/cookie';
import jwt from '@fastify/jwt';
import express from 'express';
import Fastify from 'fastify';
import jsonwebtoken from 'jsonwebtoken';

const secret = randomBytes(32).toString('hex');
const users = { alice: process.env.SITE_ALICE, bob: process.env.SITE_BOB };

function knows(name, word) {
  if (typeof name !== 'string' || typeof word !== 'string' || !Object.hasOwn(users, name)) return false;
  const [given, known] = [Buffer.from(word), Buffer.from(users[name])];
  return given.length === known.length && timingSafeEqual(given, known);
}

function shop(lacking) {
  const router = express.Router();
  const refreshTokens = new Map();
  const issue = (user) => {
    const refresh = randomBytes(24).toString('base64url');
    refreshTokens.set(refresh, user);
    const access = jsonwebtoken.sign({ sub: user, jti: randomUUID() }, secret, { expiresIn: 300 });
    return { tokens: { access, refresh, expires_in: 300 } };
  };
  const authenticate = (request, response, next) => {
    const [word, token] = (request.headers.authorization ?? '').split(' ');
    try {
      if (word !== 'Bearer') throw new Error('no token');
      request.user = lacking === 'signature' ? jsonwebtoken.decode(token).sub : jsonwebtoken.verify(token, secret).sub;
    } catch {
      return response.status(401).set('WWW-Authenticate', 'Bearer').json({ message: 'Unauthorized' });
    }
    next();
  };
  router.use(express.json());
  router.post('/login', (request, response) => {
    const { username, password } = request.body ?? {};
    if (!knows(username, password)) return response.status(401).json({ message: 'Wrong name or password' });
    response.json(issue(username));
  });
  router.post('/refresh', (request, response) => {
    const token = request.body?.refreshToken;
    const user = refreshTokens.get(token);
    if (user === undefined) return response.status(401).json({ message: 'Unauthorized' });
    if (lacking !== 'rotation') refreshTokens.delete(token);
    response.json(issue(user));
  });
  router.post('/logout', (request, response) => {
    if (lacking !== 'logout') refreshTokens.delete(request.body?.refreshToken);
    response.status(204).end();
  });
  router.get('/me', authenticate, (request, response) => response.json({ user: request.user }));
  return router;
}

async function stall(fastify, { lacking }) {
  const ended = new Set();
  await fastify.register(cookie);
  await fastify.register(jwt, {
    secret,
    cookie: { cookieName: 'token', signed: false },
    sign: { expiresIn: '5m' },
    trusted: (request, token) => lacking === 'logout' || !ended.has(token.jti),
  });
  const guarded = {
    onRequest: async (request, reply) => {
      if (lacking === 'guard') request.user = { name: 'alice' };
      else await request.jwtVerify({ onlyCookie: true });
    },
  };
  const string = { type: 'string' };
  const body = { type: 'object', required: ['email', 'pass'], properties: { email: string, pass: string } };
  fastify.post('/sessions', { schema: { body } }, async (request, reply) => {
    const { email, pass } = request.body;
    if (!knows(email, pass)) return reply.code(401).send({ message: 'Unauthorized' });
    const token = await reply.jwtSign({ name: email, jti: randomUUID() });
    return reply.code(201).setCookie('token', token, { path: '/', httpOnly: true }).send({ ok: true });
  });
  fastify.delete('/sessions', guarded, async (request, reply) => {
    ended.add(request.user.jti);
    return reply.clearCookie('token', { path: '/' }).code(204).send();
  });
  fastify.get('/me', guarded, async (request) => ({ user: request.user.name }));
}

const app = express();
for (const lacking of ['whole', 'signature', 'rotation', 'logout']) app.use(`/${lacking}`, shop(lacking));
// A body that cannot be read is the client's mistake.
app.use((error, request, response, next) => response.status(error.status ?? 500).json({ message: error.message }));
const server = app.listen(0, '127.0.0.1', async () => {
  const fastify = Fastify();
  for (const lacking of ['whole', 'guard', 'logout']) fastify.register(stall, { lacking, prefix: `/${lacking}` });
  await fastify.listen({ port: 0, host: '127.0.0.1' });
  const [one, two] = [server.address().port, fastify.server.address().port];
  console.log(`ready http://127.0.0.1:${one}\nready http://127.0.0.1:${two}`);
});
