// MGRS grid references (NGA.STND.0037) through UTM by Krüger's series to the sixth order of the third flattening
// (Karney 2011, eq. 35 and 36): well under a millimetre within a zone. Digits are cut off, never rounded: a reference
// names the square that the point is in.

const A = 6_378_137;
const F = 1 / 298.257223563;
const N = F / (2 - F);
const E = Math.sqrt(F * (2 - F));
const K0 = 0.9996;
/** Radius of the rectifying sphere times the scale on the central meridian. */
const R = ((K0 * A) / (1 + N)) * (1 + N ** 2 / 4 + N ** 4 / 64 + N ** 6 / 256);
const ALPHA = [
  N / 2 - (2 / 3) * N ** 2 + (5 / 16) * N ** 3 + (41 / 180) * N ** 4 - (127 / 288) * N ** 5 + (7891 / 37800) * N ** 6,
  (13 / 48) * N ** 2 - (3 / 5) * N ** 3 + (557 / 1440) * N ** 4 + (281 / 630) * N ** 5 - (1983433 / 1935360) * N ** 6,
  (61 / 240) * N ** 3 - (103 / 140) * N ** 4 + (15061 / 26880) * N ** 5 + (167603 / 181440) * N ** 6,
  (49561 / 161280) * N ** 4 - (179 / 168) * N ** 5 + (6601661 / 7257600) * N ** 6,
];
const BETA = [
  N / 2 - (2 / 3) * N ** 2 + (37 / 96) * N ** 3 - (1 / 360) * N ** 4 - (81 / 512) * N ** 5 + (96199 / 604800) * N ** 6,
  (1 / 48) * N ** 2 + (1 / 15) * N ** 3 - (437 / 1440) * N ** 4 + (46 / 105) * N ** 5 - (1118711 / 3870720) * N ** 6,
  (17 / 480) * N ** 3 - (37 / 840) * N ** 4 - (209 / 4480) * N ** 5 + (5569 / 90720) * N ** 6,
  (4397 / 161280) * N ** 4 - (11 / 504) * N ** 5 - (830251 / 7257600) * N ** 6,
];
const BANDS = 'CDEFGHJKLMNPQRSTUVWX';
const COLUMNS = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
const ROWS = 'ABCDEFGHJKLMNPQRSTUV';
const RAD = Math.PI / 180;

export interface Utm {
  zone: number;
  east: number;
  north: number;
}

export function zoneOf(lat: number, lon: number): number {
  const zone = Math.min(60, Math.floor((((lon % 360) + 540) % 360) / 6) + 1);
  const l = ((((lon + 180) % 360) + 360) % 360) - 180;
  if (lat >= 56 && lat < 64 && l >= 3 && l < 12) return 32; // south-west Norway
  if (lat >= 72 && lat < 84 && l >= 0 && l < 42) return l < 9 ? 31 : l < 21 ? 33 : l < 33 ? 35 : 37; // Svalbard
  return zone;
}

/** UTM metres, in the point's own zone unless another is given (for lines that run over a zone's edge). */
export function toUtm(lat: number, lon: number, zone: number = zoneOf(lat, lon)): Utm {
  const dLon = (((((lon - (zone * 6 - 183)) % 360) + 540) % 360) - 180) * RAD;
  const tau = Math.tan(lat * RAD);
  const sigma = Math.sinh(E * Math.atanh((E * tau) / Math.hypot(1, tau)));
  const tauC = tau * Math.hypot(1, sigma) - sigma * Math.hypot(1, tau);
  const xi0 = Math.atan2(tauC, Math.cos(dLon));
  const eta0 = Math.asinh(Math.sin(dLon) / Math.hypot(tauC, Math.cos(dLon)));
  let xi = xi0;
  let eta = eta0;
  ALPHA.forEach((a, i) => {
    const j = 2 * (i + 1);
    xi += a * Math.sin(j * xi0) * Math.cosh(j * eta0);
    eta += a * Math.cos(j * xi0) * Math.sinh(j * eta0);
  });
  return { zone, east: 500_000 + R * eta, north: (lat < 0 ? 10_000_000 : 0) + R * xi };
}

export function fromUtm({ zone, east, north }: Utm, south: boolean): { lat_deg: number; lon_deg: number } {
  const xi = (north - (south ? 10_000_000 : 0)) / R;
  const eta = (east - 500_000) / R;
  let xi0 = xi;
  let eta0 = eta;
  BETA.forEach((b, i) => {
    const j = 2 * (i + 1);
    xi0 -= b * Math.sin(j * xi) * Math.cosh(j * eta);
    eta0 -= b * Math.cos(j * xi) * Math.sinh(j * eta);
  });
  const tauC = Math.sin(xi0) / Math.hypot(Math.sinh(eta0), Math.cos(xi0));
  let tau = tauC;
  for (let i = 0; i < 5; i += 1) {
    const sigma = Math.sinh(E * Math.atanh((E * tau) / Math.hypot(1, tau)));
    const t = tau * Math.hypot(1, sigma) - sigma * Math.hypot(1, tau);
    const d = ((tauC - t) / Math.hypot(1, t)) * ((1 + (1 - E * E) * tau * tau) / ((1 - E * E) * Math.hypot(1, tau)));
    tau += d;
    if (Math.abs(d) < 1e-14) break;
  }
  const lon = zone * 6 - 183 + Math.atan2(Math.sinh(eta0), Math.cos(xi0)) / RAD;
  return { lat_deg: Math.atan(tau) / RAD, lon_deg: ((((lon + 180) % 360) + 360) % 360) - 180 };
}

/** MGRS with 1 m digits, spaced ("13R CR 59571 15434"); null near the poles, where MGRS uses another grid. */
export function toMgrs(lat: number, lon: number): string | null {
  if (!(lat >= -80 && lat < 84) || !Number.isFinite(lon)) return null;
  const { zone, east, north } = toUtm(lat, lon);
  const band = BANDS[Math.min(19, Math.floor((lat + 80) / 8))]!;
  const column = COLUMNS[((zone - 1) % 3) * 8 + Math.floor(east / 100_000) - 1];
  const row = ROWS[(Math.floor(north / 100_000) + (zone % 2 === 0 ? 5 : 0)) % 20];
  if (column === undefined || row === undefined) return null;
  const digits = (v: number): string => String(Math.floor(v % 100_000)).padStart(5, '0');
  return `${zone}${band} ${column}${row} ${digits(east)} ${digits(north)}`;
}

/** The centre of the square that an MGRS reference names; null when it names none. */
export function fromMgrs(text: string): { lat_deg: number; lon_deg: number } | null {
  const m = /^(\d{1,2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])(\d*)$/.exec(text.replace(/\s+/g, '').toUpperCase());
  if (!m) return null;
  const zone = Number(m[1]);
  const digits = m[5]!;
  if (zone < 1 || zone > 60 || digits.length % 2 !== 0 || digits.length > 10) return null;
  const half = digits.length / 2;
  const size = 10 ** (5 - half);
  const column = COLUMNS.indexOf(m[3]!) - ((zone - 1) % 3) * 8;
  if (column < 0 || column > 7) return null;
  const east = (column + 1) * 100_000 + Number(digits.slice(0, half) || 0) * size + size / 2;
  const rowAt = (ROWS.indexOf(m[4]!) + (zone % 2 === 0 ? 15 : 0)) % 20;
  const northIn = rowAt * 100_000 + Number(digits.slice(half) || 0) * size + size / 2;
  const bandAt = BANDS.indexOf(m[2]!);
  const south = bandAt < 10;
  const lowest = bandAt * 8 - 80;
  // Rows repeat every 2,000 km: take the one whose latitude lies in the band (the square may stick out of it a little).
  for (let k = 0; k < 5; k += 1) {
    const at = fromUtm({ zone, east, north: northIn + k * 2_000_000 }, south);
    if (at.lat_deg > lowest - 1 && at.lat_deg < lowest + (bandAt === 19 ? 12 : 8) + 1) return at;
  }
  return null;
}
