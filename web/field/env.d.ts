// The service worker carries its own copy of the outbox, so that it is one file without imports.
declare module '*/outbox?sw' {
  type Whole = typeof import('../shared/outbox');
  export const Outbox: Whole['Outbox'];
  export const aloneOnDevice: Whole['aloneOnDevice'];
  export const indexedDbStore: Whole['indexedDbStore'];
  export const sendOverHttp: Whole['sendOverHttp'];
}
declare module '*/ids?sw' {
  export const uuidv7: typeof import('../shared/ids').uuidv7;
}
