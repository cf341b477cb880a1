import { expect, test } from 'vitest';
import { fromBase64url, toBase64url } from '../shared/webauthn';

test('base64url is read and written without padding, whatever the length', () => {
  for (const bytes of [[], [0], [255, 254], [251, 239, 190], [1, 2, 3, 4]]) {
    const text = toBase64url(new Uint8Array(bytes));
    expect(text).not.toMatch(/[+/=]/);
    expect([...fromBase64url(text)]).toEqual(bytes);
  }
  expect(toBase64url(new Uint8Array([251, 239, 190]))).toBe('----');
});
