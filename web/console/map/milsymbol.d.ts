declare module 'milsymbol-src/milsymbol.js' {
  interface SymbolOptions {
    size?: number;
    fill?: boolean;
    fillOpacity?: number;
    strokeWidth?: number;
    outlineWidth?: number;
    outlineColor?: string;
    monoColor?: string;
    infoFields?: boolean;
    colorMode?: string | Record<string, string>;
    simpleStatusModifier?: boolean;
  }
  class Symbol {
    constructor(sidc: string, options?: SymbolOptions);
    asCanvas(pixelRatio?: number): HTMLCanvasElement;
    isValid(): boolean;
    getAnchor(): { x: number; y: number };
    getSize(): { width: number; height: number };
  }
  export const ms: { Symbol: typeof Symbol; addIcons(icons: unknown): void };
}
declare module 'milsymbol-src/numbersidc/sidc/air.js' {
  const icons: unknown;
  export default icons;
}
