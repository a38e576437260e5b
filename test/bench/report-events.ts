/**
 * Events of a shop made by the engine itself: event `n` is a function of n, so the same number makes the same table. Visits of 1
 * to 15 events, 30 to 40 seconds apart, spread over 90 days in the order of arrival; a few persons make many of the visits. Every
 * twelfth visit of more than two events says in its third who somebody is (an identify: about 1% of the events).
 */

export const project = 'bench';
/** The embedded log's and a usual topic's number of partitions. */
export const streams = 8;
export const firstDay = Date.UTC(2026, 0, 5);
export const days = 90;
const dayMs = 86_400_000;
export const lastDay = firstDay + days * dayMs;

/** A batch of the log that lies in the table and not in the snapshot: of an insert that is under way. */
export const toUnseen = (events: number): number => Math.floor(events / 100);

const shares: readonly (readonly [string, number])[] = [
  ['$page', 430],
  ['Product Viewed', 600],
  ['Product Added', 670],
  ['Checkout Started', 700],
  ['Order Completed', 715],
  ['Products Searched', 790],
  ['Button Clicked', 940],
  ['Coupon Removed', 950],
];
const list = (values: readonly string[]) => `[${values.map((value) => `'${value}'`).join(', ')}]`;
const pick = (values: readonly string[], number: string) => `${list(values)}[1 + ${number} % ${values.length}]`;

/** Rows first .. last - 1 of so many events; those beyond `events` lie anywhere in the 90 days. */
export function toInsert(events: number, first: number, last: number): string {
  const blocks = Math.ceil(events / 16);
  const persons = Math.ceil(events * 0.03);
  const block = `if(block < ${blocks}, block, block * 101 % ${blocks})`;
  const event = `multiIf(is_identify, '$identify', place = 0, '$page', ${shares
    .map(([name, below]) => `r < ${below}, '${name}'`)
    .join(', ')}, concat('Feature ', toString(h % 50)))`;
  const path = `if(r % 3 = 0, concat('/p/', toString(h % 300)), ${pick(['/', '/search', '/cart', '/checkout', '/account', '/help'], 'h')})`;
  const context = `concat('"context":{"page":{"path":"', path, '"},"locale":"', ${pick(['de-DE', 'en-GB', 'fr-FR', 'pt-BR'], 'person')},
    '","country":"', ${pick(['DE', 'DE', 'DE', 'GB', 'GB', 'FR', 'BR', 'US', 'AT', 'CH', 'NL', 'ES', 'IT'], 'person')},
    '","device":{"type":"', ${pick(['phone', 'phone', 'desktop', 'tablet'], 'visit_hash')}, '"},"campaign":{"source":"', ${pick(['none', 'search', 'newsletter', 'social'], 'visit_hash')}, '"}}')`;
  const properties = `multiIf(kind = 'identify', concat('"traits":{"plan":"', ${pick(['free', 'pro', 'team'], 'person')}, '"}'),
    kind = 'page', concat('"properties":{"path":"', path, '","title":"Page ', toString(h % 300), '"}'),
    concat('"properties":{"sku":"SKU-', toString(h % 2000), '","category":"', ${pick(['shoes', 'shirts', 'books', 'garden', 'kitchen', 'toys'], 'h')},
      '","price":', toString((h % 20000) / 100), ',"quantity":', toString(1 + r % 3), ',"currency":"EUR","in_stock":', if(r % 5 = 0, 'false', 'true'), '}'))`;
  return `INSERT INTO events (project, kind, event, time, received_at, message_id, key_id, fingerprint, user_id, anonymous_id, log_stream, log_offset, data)
    SELECT '${project}', multiIf(event = '$page', 'page', event = '$identify', 'identify', 'track') AS kind, ${event} AS event,
      fromUnixTimestamp64Milli(ms, 'UTC'), fromUnixTimestamp64Milli(ms + 40 + toInt64(r), 'UTC'), toString(reinterpretAsUUID(sipHash128(number))), 'k1', toUInt32(h),
      if(knows AND place >= 2, concat('user-', toString(person)), '') AS user_id, concat('device-', toString(person)), person % ${streams}, number,
      concat('{', ${properties}, ',', ${context}, '}')
    FROM (
      SELECT number, place, h, r, person, visit_hash, knows AND place = 2 AS is_identify, knows, ${path} AS path,
        ${firstDay} + toInt64(${block} * ${days * dayMs - 2 * 3_600_000} / ${blocks}) + toInt64(visit_hash % 3600000) + toInt64(place) * 40000 + toInt64(h % 10000) AS ms
      FROM (
        SELECT number, block, place, cityHash64(number) AS h, intDiv(h, 1000) % 1000 AS r, cityHash64(block * 2 + is_second, 7) AS visit_hash,
          toUInt64(${persons} * pow((visit_hash % 4294967296) / 4294967296, 2)) AS person, bitShiftRight(visit_hash, 32) % 12 = 0 AS knows
        FROM (
          SELECT number, intDiv(number, 16) AS block, number % 16 AS k, cityHash64(block) % 16 AS cut, k >= cut AS is_second, if(is_second, k - cut, k) AS place
          FROM numbers_mt(${first}, ${last - first}))))`;
}
