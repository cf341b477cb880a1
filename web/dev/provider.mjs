// An OpenID Connect provider for the browser tests, as a process of its own: `node dev/provider.mjs REDIRECT_URI`. Its
// first line says where it listens; it knows everybody by whatever name they type, and ends with its parent.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const [redirect] = process.argv.slice(2);
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'skypicket', client_secret: 'a secret: of/the test', redirect_uris: [redirect], response_types: ['code'], grant_types: ['authorization_code'] }],
    jwks: { keys: [{ ...key, kid: 'test-1', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['of the test'] },
    claims: { openid: ['sub'], profile: ['preferred_username'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: `sub-of-${id}`, preferred_username: id }) }),
  });
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer }));
});
process.stdin.resume().on('end', () => process.exit(0));
