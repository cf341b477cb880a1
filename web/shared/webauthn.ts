// Passkeys between the server's JSON (WebAuthn level 3) and the browser, by hand: the browsers in use do not all have
// `parseCreationOptionsFromJSON` and `toJSON`.
import type { PasskeyAnswer, PasskeyChallenge } from './types';

export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i += 1) bytes[i] = plain.charCodeAt(i);
  return bytes;
}
export function toBase64url(buffer: ArrayBuffer | Uint8Array): string {
  let plain = '';
  for (const b of new Uint8Array(buffer)) plain += String.fromCharCode(b);
  return btoa(plain).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Whether this browser has passkeys at all. */
export const hasPasskeys = (): boolean => typeof PublicKeyCredential === 'function';

interface JsonDescriptor { id: string; type: PublicKeyCredentialType; transports?: AuthenticatorTransport[] }
const descriptors = (list: unknown): PublicKeyCredentialDescriptor[] =>
  ((list ?? []) as JsonDescriptor[]).map((d) => ({ ...d, id: fromBase64url(d.id) }));

/** Asks the browser for a new passkey. */
export async function createPasskey({ ceremony, options }: PasskeyChallenge): Promise<PasskeyAnswer> {
  const o = options as Record<string, unknown> & { challenge: string; user: { id: string; name: string; displayName: string } };
  const publicKey = {
    ...o, challenge: fromBase64url(o.challenge), user: { ...o.user, id: fromBase64url(o.user.id) }, excludeCredentials: descriptors(o['excludeCredentials']),
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null;
  if (made === null) throw new Error('no passkey was made');
  const r = made.response as AuthenticatorAttestationResponse;
  return {
    ceremony,
    credential: {
      id: made.id, rawId: toBase64url(made.rawId), type: made.type, ...(made.authenticatorAttachment ? { authenticatorAttachment: made.authenticatorAttachment } : {}),
      clientExtensionResults: made.getClientExtensionResults(),
      response: { clientDataJSON: toBase64url(r.clientDataJSON), attestationObject: toBase64url(r.attestationObject), transports: r.getTransports?.() ?? [] },
    },
  };
}

/** Asks the browser for a passkey that is there. */
export async function usePasskey({ ceremony, options }: PasskeyChallenge): Promise<PasskeyAnswer> {
  const o = options as Record<string, unknown> & { challenge: string };
  const publicKey = { ...o, challenge: fromBase64url(o.challenge), allowCredentials: descriptors(o['allowCredentials']) } as unknown as PublicKeyCredentialRequestOptions;
  const given = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential | null;
  if (given === null) throw new Error('no passkey was chosen');
  const r = given.response as AuthenticatorAssertionResponse;
  return {
    ceremony,
    credential: {
      id: given.id, rawId: toBase64url(given.rawId), type: given.type, ...(given.authenticatorAttachment ? { authenticatorAttachment: given.authenticatorAttachment } : {}),
      clientExtensionResults: given.getClientExtensionResults(),
      response: {
        clientDataJSON: toBase64url(r.clientDataJSON), authenticatorData: toBase64url(r.authenticatorData), signature: toBase64url(r.signature),
        ...(r.userHandle ? { userHandle: toBase64url(r.userHandle) } : {}),
      },
    },
  };
}
