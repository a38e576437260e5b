/** Asks ClickHouse itself, past Tallygate; rows are arrays. */
export type Ask = <Row extends readonly unknown[]>(sql: string) => Promise<Row[]>;

export const database = 'tallygate';

export function createAsk(url: string): Ask {
  return async <Row extends readonly unknown[]>(sql: string): Promise<Row[]> => {
    const query = new URLSearchParams({
      database,
      default_format: 'JSONCompactEachRow',
      output_format_json_quote_64bit_integers: '1',
    });
    const response = await fetch(`${url}/?${query}`, { method: 'POST', body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(`${text.split('\n')[0]}\nin: ${sql}`);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row);
  };
}
