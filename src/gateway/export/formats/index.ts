import type { Format } from '../format.ts';

export const formats: Readonly<Record<string, Format>> = {
  csv: {
    mediaType: 'text/csv; charset=utf-8',
    open: async (options) => (await import('./csv.ts')).createCsv(options),
  },
  ndjson: {
    mediaType: 'application/x-ndjson',
    open: async (options) => (await import('./ndjson.ts')).createNdjson(options),
  },
  arrow: {
    mediaType: 'application/vnd.apache.arrow.stream',
    open: async (options) => (await import('./arrow.ts')).createArrow(options),
  },
  parquet: {
    mediaType: 'application/vnd.apache.parquet',
    open: async (options) => (await import('./parquet.ts')).createParquet(options),
  },
};
