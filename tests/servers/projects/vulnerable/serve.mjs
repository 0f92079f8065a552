// The same API by a library of Node.js.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const load = createRequire(`${process.cwd()}/`);
const PUBLIC = process.env.VULNERABLE_PUBLIC_KEY;
const ISSUER = 'https://vulnerable.example';

const checks = {
  // A key is looked up by its name, as with jwks-rsa, and a name that nobody knows leads to none.
  jsonwebtoken: (token) =>
    new Promise((resolve, reject) =>
      load('jsonwebtoken').verify(
        token,
        (header, done) => done(null, header.kid === '1' ? PUBLIC : undefined),
        (error, claims) => (error ? reject(error) : resolve(claims))
      )
    ),
  'fast-jwt': (token) => load('fast-jwt').createVerifier({ key: PUBLIC, allowedIss: ISSUER })(token),
};

const server = createServer(async (request, response) => {
  let status = 200;
  let members = { access_token: process.env.VULNERABLE_TOKEN, token_type: 'Bearer', expires_in: 3600 };
  request.resume();
  if (request.method === 'GET') {
    try {
      const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
      members = { sub: (await checks[process.argv[2]](token)).sub };
    } catch {
      [status, members] = [401, { error: 'invalid_token' }];
    }
  }
  const challenge = status === 401 && { 'WWW-Authenticate': 'Bearer realm="vulnerable"' };
  response.writeHead(status, { 'Content-Type': 'application/json', ...challenge });
  response.end(JSON.stringify(members));
});
server.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${server.address().port}`));
