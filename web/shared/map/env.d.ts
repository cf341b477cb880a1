declare module 'virtual:basemap' {
  /** Address of the offline basemap file. */
  const url: string;
  export default url;
}
