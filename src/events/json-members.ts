/**
 * The members of a JSON object as texts, each value exactly as it is written: parsing would round numbers that are wider
 * than a double. The text is JSON that was parsed before; of members of one name the last counts, as for JSON.parse.
 */
export function splitMembers(json: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = skipBlanks(json, 0) + 1;
  while (true) {
    at = skipBlanks(json, at);
    if (json[at] !== '"') return members;
    const nameEnd = skipText(json, at);
    const name = JSON.parse(json.slice(at, nameEnd)) as string;
    const start = skipBlanks(json, skipBlanks(json, nameEnd) + 1);
    const end = skipValue(json, start);
    members.set(name, json.slice(start, end).trimEnd());
    at = skipBlanks(json, end);
    if (json[at] !== ',') return members;
    at++;
  }
}

function skipBlanks(json: string, from: number): number {
  let at = from;
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\t' || json[at] === '\r') at++;
  return at;
}

/** From a quote to behind the one that ends it. */
function skipText(json: string, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** To the comma or bracket that comes after the value, or the end. */
function skipValue(json: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < json.length) {
    const character = json[at];
    if (character === '"') {
      at = skipText(json, at);
      continue;
    }
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') {
      if (depth === 0) return at;
      depth--;
    } else if (character === ',' && depth === 0) return at;
    at++;
  }
  return at;
}
