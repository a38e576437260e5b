import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { ReportMeta as ReportMetaSource } from '../src/reports/session.ts';
import type { Retention as RetentionSource } from '../src/reports/retention/retention.ts';
import type { Funnel as FunnelSource, FunnelBreakdown as FunnelBreakdownSource, FunnelStep as FunnelStepSource } from '../src/reports/funnel/funnel.ts';
import type { EntityReports as EntityReportsSource } from '../src/reports/entity-reports.ts';
import type { Cohort as CohortSource } from '../src/reports/definitions/cohort.ts';
import type { SavedReport as SavedReportSource } from '../src/reports/definitions/saved-report.ts';
import type { Person as PersonSource } from '../src/reports/person.ts';
import type { Ingestion as IngestionSource } from '../src/reports/status/ingestion.ts';
import type { Context } from './context.ts';
export type Maybe<T> = T | null | undefined;
export type InputMaybe<T> = T | null | undefined;
export type Omit<T, K extends keyof T> = Pick<T, Exclude<keyof T, K>>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** Stands for everything that one mutation wrote. Opaque: hand it back as `freshness.after` to read it. */
  ConsistencyToken: { input: string; output: string; }
  /** A moment in RFC 3339, with a time zone and milliseconds: 2026-03-01T12:00:00.000Z. */
  DateTime: { input: Date; output: Date; }
  /** A JSON object. */
  JSONObject: { input: Record<string, unknown>; output: Record<string, unknown>; }
  /** Any JSON value. */
  JSONValue: { input: unknown; output: unknown; }
  /** Stands for the moment that an answer describes. Opaque: hand it back as `freshness.at` to get the same numbers again. */
  SnapshotToken: { input: string; output: string; }
};

export type AliasInput = {
  readonly anonymousId?: InputMaybe<Scalars['ID']['input']>;
  readonly context?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly messageId?: InputMaybe<Scalars['ID']['input']>;
  /** The id that was used until now. */
  readonly previousId: Scalars['ID']['input'];
  readonly sentAt?: InputMaybe<Scalars['DateTime']['input']>;
  readonly timestamp?: InputMaybe<Scalars['DateTime']['input']>;
  /** The id to use from now on. */
  readonly userId: Scalars['ID']['input'];
};

/**
 * One of both. Lines are in the order of the bins, and named as `[10, 20)`: 10 belongs to it, 20 does not. Events without a number at the property
 * share the line `(none)`, which comes last. Bins without events have no line.
 */
export type BinsInput =
  /**
   * So many of equal width, 1 to 100, between the smallest and the largest number that the events of all series have (with those to
   * compare with). The last one includes its end: `[90, 100]`.
   */
  { readonly count: Scalars['Int']['input']; readonly edges?: never; }
  |  /** 1 to 100 numbers, ascending: `[10, 20]` makes the bins `(-∞, 10)`, `[10, 20)` and `[20, ∞)`. */
  { readonly count?: never; readonly edges: ReadonlyArray<Scalars['Float']['input']>; };

/**
 * The `limit` values with the most events over the whole range (ties: the smaller text first) get a line each; all others share one,
 * computed from their events and not from their lines, so that unique counts and averages are right. With several breakdowns each chooses its
 * own values, and lines are the combinations of them. Each series has its own most frequent values. With formulas all series
 * have the same lines: those of the values most frequent among the events that belong to any of the series; a series that has
 * nothing there has 0, or null where the measure of nothing is null. What is compared with the range has the lines of the range.
 */
export type BreakdownInput = {
  /** Intervals of numbers instead of single values; only in a trend. */
  readonly bins?: InputMaybe<BinsInput>;
  /** Not used with bins. */
  readonly includeOther?: InputMaybe<Scalars['Boolean']['input']>;
  /** 1 to 1,000. Not used with bins. */
  readonly limit?: InputMaybe<Scalars['Int']['input']>;
  readonly property: Scalars['String']['input'];
};

export type Catalog = {
  /** By volume, the most frequent first; at most 1,000. */
  readonly events: ReadonlyArray<CatalogEvent>;
  readonly meta: ReportMeta;
};

export type CatalogEvent = {
  readonly count: Scalars['Float']['output'];
  readonly event: Scalars['String']['output'];
  readonly firstSeen: Scalars['DateTime']['output'];
  readonly lastSeen: Scalars['DateTime']['output'];
  /** Of the newest 10,000 events of this name; at most 200 properties. */
  readonly properties: ReadonlyArray<CatalogProperty>;
  readonly type: EventType;
};

export type CatalogProperty = {
  /** Events that have it, among those that were looked at. */
  readonly count: Scalars['Float']['output'];
  /** As filters and breakdowns name it: properties.price, context.page.url. */
  readonly name: Scalars['String']['output'];
  /** What values were seen: String, Float64, Int64, Bool, Array(...) */
  readonly types: ReadonlyArray<Scalars['String']['output']>;
};

/**
 * Persons by what they did or are, under a name that every filter takes: `filter: { cohort: "buyers" }`, `filter: { not: { cohort: "buyers" } }`.
 * Dynamic ones are who the definition is true of at the moment of each report; static ones never change but by merges and deletions.
 * Reports use the newest version of the definition, also as of an older snapshot; other gateways know it within a second.
 * Example: `cohort(name: "buyers") { size people(first: 2) { nodes { id } } version meta { asOf } }`
 * Example: `trend(input: { range: { last: "7d" }, series: [{ event: "Order Completed", filter: { cohort: "buyers" } }] }) { series { total } }`
 */
export type Cohort = {
  /** As it was saved. */
  readonly definition: Scalars['JSONObject']['output'];
  readonly description: Maybe<Scalars['String']['output']>;
  /** Of a static one: the meta.asOf of its snapshot. */
  readonly frozenAt: Maybe<Scalars['DateTime']['output']>;
  readonly isStatic: Scalars['Boolean']['output'];
  /** Of size. */
  readonly meta: ReportMeta;
  readonly name: Scalars['String']['output'];
  /** Who they are, in an order that never changes. first is at most 1,000. Later pages need freshness.at of the first one's meta.snapshot. */
  readonly people: CohortPeople;
  readonly savedAt: Scalars['DateTime']['output'];
  /** The public name of the credential that saved it. */
  readonly savedBy: Scalars['ID']['output'];
  /** How many persons. */
  readonly size: Scalars['Int']['output'];
  /** Goes up by one with every change, and with a deletion. */
  readonly version: Scalars['Int']['output'];
  /** The newest first, deletions included; below `before`. first is at most 100. */
  readonly versions: ReadonlyArray<CohortVersion>;
};


/**
 * Persons by what they did or are, under a name that every filter takes: `filter: { cohort: "buyers" }`, `filter: { not: { cohort: "buyers" } }`.
 * Dynamic ones are who the definition is true of at the moment of each report; static ones never change but by merges and deletions.
 * Reports use the newest version of the definition, also as of an older snapshot; other gateways know it within a second.
 * Example: `cohort(name: "buyers") { size people(first: 2) { nodes { id } } version meta { asOf } }`
 * Example: `trend(input: { range: { last: "7d" }, series: [{ event: "Order Completed", filter: { cohort: "buyers" } }] }) { series { total } }`
 */
export type CohortPeopleArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * Persons by what they did or are, under a name that every filter takes: `filter: { cohort: "buyers" }`, `filter: { not: { cohort: "buyers" } }`.
 * Dynamic ones are who the definition is true of at the moment of each report; static ones never change but by merges and deletions.
 * Reports use the newest version of the definition, also as of an older snapshot; other gateways know it within a second.
 * Example: `cohort(name: "buyers") { size people(first: 2) { nodes { id } } version meta { asOf } }`
 * Example: `trend(input: { range: { last: "7d" }, series: [{ event: "Order Completed", filter: { cohort: "buyers" } }] }) { series { total } }`
 */
export type CohortVersionsArgs = {
  before?: InputMaybe<Scalars['Int']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};

export type CohortBehaviour = {
  /** How often, from 1 to 1,000,000. */
  readonly atLeast?: InputMaybe<Scalars['Int']['input']>;
  /** No more often than this; without it, as often as they like. */
  readonly atMost?: InputMaybe<Scalars['Int']['input']>;
  /** Any event when left out. */
  readonly event?: InputMaybe<Scalars['String']['input']>;
  /** Of these events. It names no cohort. */
  readonly filter?: InputMaybe<EventFilter>;
  /**
   * When: all of the past when left out. `last: "30d"` is that many whole days up to the moment to which reports resolve now, the present
   * day included: of a snapshot, its own now, so that a report as of a snapshot has the members of that moment.
   */
  readonly range?: InputMaybe<RangeInput>;
};

/**
 * Who is meant: exactly one of its fields. Reports that filter by a cohort look at the person of each event, with everybody
 * who was merged into one; a person without any event is in no cohort.
 */
export type CohortDefinition = {
  /** All of them. */
  readonly and?: InputMaybe<ReadonlyArray<CohortDefinition>>;
  /** These, by their anonymousId: 1 to 10,000. */
  readonly anonymousIds?: InputMaybe<ReadonlyArray<Scalars['ID']['input']>>;
  /** The members of another cohort, as it is defined now. Cohorts of cohorts are at most 5 deep, and never go round in a circle. */
  readonly cohort?: InputMaybe<Scalars['String']['input']>;
  /** Who did something, so and so often. */
  readonly did?: InputMaybe<CohortBehaviour>;
  /** Everybody else: who did not do something is `not: { did: ... }`. */
  readonly not?: InputMaybe<CohortDefinition>;
  /** Any of them. */
  readonly or?: InputMaybe<ReadonlyArray<CohortDefinition>>;
  /** Of whom identify events told something. */
  readonly person?: InputMaybe<CohortProperty>;
  /** These, by their userId: 1 to 10,000. */
  readonly userIds?: InputMaybe<ReadonlyArray<Scalars['ID']['input']>>;
};

export type CohortPeople = {
  readonly edges: ReadonlyArray<CohortPersonEdge>;
  readonly nodes: ReadonlyArray<CohortPerson>;
  readonly pageInfo: PageInfo;
};

export type CohortPerson = {
  /** The smallest one, where there are several. */
  readonly anonymousId: Maybe<Scalars['ID']['output']>;
  /** The userId, or the anonymousId without one: what Query.person takes. */
  readonly id: Scalars['ID']['output'];
  /** The smallest one, where there are several. */
  readonly userId: Maybe<Scalars['ID']['output']>;
};

export type CohortPersonEdge = {
  readonly cursor: Scalars['String']['output'];
  readonly node: CohortPerson;
};

/** What the newest identify event that has the property says, compared as in EventFilter. */
export type CohortProperty = {
  /** As it was at this moment: the newest event at its timestamp or before. The latest when left out. */
  readonly asOf?: InputMaybe<Scalars['DateTime']['input']>;
  readonly ignoreCase?: InputMaybe<Scalars['Boolean']['input']>;
  /** EQ when left out. */
  readonly op?: InputMaybe<FilterOp>;
  /** The trait's name: `plan`, `address.city`. */
  readonly property: Scalars['String']['input'];
  readonly value?: InputMaybe<Scalars['JSONValue']['input']>;
};

export type CohortVersion = {
  /** null of a deletion. */
  readonly definition: Maybe<Scalars['JSONObject']['output']>;
  readonly deleted: Scalars['Boolean']['output'];
  readonly savedAt: Scalars['DateTime']['output'];
  readonly savedBy: Scalars['ID']['output'];
  readonly version: Scalars['Int']['output'];
};

/** One of both. */
export type CompareInput =
  /**
   * The range that ends where this one begins and is as long: as many intervals where the range is made of whole ones, otherwise as many
   * days where it is made of whole days of the timezone, otherwise as many milliseconds.
   */
  { readonly previousPeriod: Scalars['Boolean']['input']; readonly shift?: never; }
  |  /** The range so much earlier on the clock of its timezone: "7d", "1y"; units as in RangeInput.last. "168h" is elapsed time, where clocks change that is not "7d". */
  { readonly previousPeriod?: never; readonly shift: Scalars['String']['input']; };

export type Consistency =
  /** No token was handed in. */
  | 'NOT_ASKED'
  /** Everything that the token stands for is in the answer. */
  | 'SATISFIED'
  /** Not everything was stored in time; ask again. */
  | 'TIMED_OUT';

export type DeadLetter = {
  readonly messageId: Scalars['ID']['output'];
  readonly reason: DeadLetterReason;
  readonly receivedAt: Scalars['DateTime']['output'];
  /** The record as the log has it: JSON, unless that is what is wrong with it. */
  readonly record: Scalars['String']['output'];
};

export type DeadLetterConnection = {
  readonly edges: ReadonlyArray<DeadLetterEdge>;
  readonly nodes: ReadonlyArray<DeadLetter>;
  readonly pageInfo: PageInfo;
};

export type DeadLetterEdge = {
  readonly cursor: Scalars['String']['output'];
  readonly node: DeadLetter;
};

export type DeadLetterReason = {
  readonly code: Scalars['String']['output'];
  readonly message: Scalars['String']['output'];
};

/** Under this version the name is gone. */
export type Deletion = {
  readonly name: Scalars['String']['output'];
  readonly version: Scalars['Int']['output'];
};

export type DeletionState =
  /** Nothing of the person is in the tables, and no answer has any of it. What the log still holds cannot come back. */
  | 'DONE'
  /** It is durable, and waits for what was acknowledged before it to be stored, or for deletions before it. */
  | 'REQUESTED'
  /** It is known who the person is; rows are being taken out, and answers are computed anew each time. */
  | 'RUNNING';

/**
 * Reports about the events whose property has this id: what the report of the same name answers with the filter `{ property, value: id }`
 * beside its own. The same input for all ids of an operation costs one statement, however many there are.
 * Example: `entityReports(property: "plan", ids: ["pro", "free"]) { id trend(input: { range: { last: "7d" }, series: [{ event: "Order Completed" }] }) { series { values total } } }`
 * Example: `entityReports(property: "plan", ids: ["pro"]) { id funnel(input: { range: { last: "7d" }, steps: [{ event: "Product Viewed" }, { event: "Order Completed" }] }) { steps { count } } topValues(input: { range: { last: "7d" }, property: "path", limit: 3 }) { values { value events } } }`
 */
export type EntityReports = {
  /** One statement for all ids, and one for each interval of trend; funnels by session and lists of people are a statement for each id. */
  readonly funnel: Maybe<Funnel>;
  readonly id: Scalars['ID']['output'];
  readonly topValues: Maybe<TopValues>;
  /** Bins of a breakdown need edges, and its limit times the number of ids is at most 65,535. At most 5,000,000 numbers for all ids together. */
  readonly trend: Maybe<Trend>;
};


/**
 * Reports about the events whose property has this id: what the report of the same name answers with the filter `{ property, value: id }`
 * beside its own. The same input for all ids of an operation costs one statement, however many there are.
 * Example: `entityReports(property: "plan", ids: ["pro", "free"]) { id trend(input: { range: { last: "7d" }, series: [{ event: "Order Completed" }] }) { series { values total } } }`
 * Example: `entityReports(property: "plan", ids: ["pro"]) { id funnel(input: { range: { last: "7d" }, steps: [{ event: "Product Viewed" }, { event: "Order Completed" }] }) { steps { count } } topValues(input: { range: { last: "7d" }, property: "path", limit: 3 }) { values { value events } } }`
 */
export type EntityReportsFunnelArgs = {
  input: FunnelInput;
};


/**
 * Reports about the events whose property has this id: what the report of the same name answers with the filter `{ property, value: id }`
 * beside its own. The same input for all ids of an operation costs one statement, however many there are.
 * Example: `entityReports(property: "plan", ids: ["pro", "free"]) { id trend(input: { range: { last: "7d" }, series: [{ event: "Order Completed" }] }) { series { values total } } }`
 * Example: `entityReports(property: "plan", ids: ["pro"]) { id funnel(input: { range: { last: "7d" }, steps: [{ event: "Product Viewed" }, { event: "Order Completed" }] }) { steps { count } } topValues(input: { range: { last: "7d" }, property: "path", limit: 3 }) { values { value events } } }`
 */
export type EntityReportsTopValuesArgs = {
  input: TopValuesInput;
};


/**
 * Reports about the events whose property has this id: what the report of the same name answers with the filter `{ property, value: id }`
 * beside its own. The same input for all ids of an operation costs one statement, however many there are.
 * Example: `entityReports(property: "plan", ids: ["pro", "free"]) { id trend(input: { range: { last: "7d" }, series: [{ event: "Order Completed" }] }) { series { values total } } }`
 * Example: `entityReports(property: "plan", ids: ["pro"]) { id funnel(input: { range: { last: "7d" }, steps: [{ event: "Product Viewed" }, { event: "Order Completed" }] }) { steps { count } } topValues(input: { range: { last: "7d" }, property: "path", limit: 3 }) { values { value events } } }`
 */
export type EntityReportsTrendArgs = {
  input: TrendInput;
};

/** An event as it was stored. */
export type Event = {
  readonly anonymousId: Maybe<Scalars['ID']['output']>;
  readonly context: Scalars['JSONObject']['output'];
  /** Name of a tracked event; `$page`, `$screen`, `$identify`, `$group`, `$alias` for the others. */
  readonly event: Scalars['String']['output'];
  readonly groupId: Maybe<Scalars['ID']['output']>;
  readonly messageId: Scalars['ID']['output'];
  /** When it happened by the client's clock. */
  readonly originalTimestamp: Maybe<Scalars['DateTime']['output']>;
  /** Who did it, as of the snapshot: the same for all ids that are merged by then. To be compared, and to be asked for by `$person` in a filter; it is no id of yours. */
  readonly person: Scalars['ID']['output'];
  readonly previousId: Maybe<Scalars['ID']['output']>;
  readonly properties: Scalars['JSONObject']['output'];
  readonly receivedAt: Scalars['DateTime']['output'];
  readonly sentAt: Maybe<Scalars['DateTime']['output']>;
  /** When it happened, corrected by the difference of the clocks. */
  readonly timestamp: Scalars['DateTime']['output'];
  readonly traits: Scalars['JSONObject']['output'];
  readonly type: EventType;
  readonly userId: Maybe<Scalars['ID']['output']>;
};

export type EventConnection = {
  readonly edges: ReadonlyArray<EventEdge>;
  readonly meta: ReportMeta;
  readonly nodes: ReadonlyArray<Event>;
  readonly pageInfo: PageInfo;
};

export type EventEdge = {
  readonly cursor: Scalars['String']['output'];
  readonly node: Event;
};

export type EventError = {
  readonly code: EventErrorCode;
  /** What was expected, and what came. */
  readonly message: Scalars['String']['output'];
  /** Points into the event: ["properties", "price"]. */
  readonly path: ReadonlyArray<Scalars['String']['output']>;
};

export type EventErrorCode =
  /** Larger than 32 KB, as the log has it: with about 300 bytes around what was sent. */
  | 'EVENT_TOO_LARGE'
  /** A text is empty where it must not be, or too long. */
  | 'INVALID_LENGTH'
  /** A number that JSON cannot carry, or properties nested more than 32 deep. */
  | 'INVALID_VALUE'
  /** The log has more to write than it may queue. */
  | 'LOG_OVERLOADED'
  /** The log is away. */
  | 'LOG_UNAVAILABLE'
  /** Neither userId nor anonymousId is there. */
  | 'PERSON_MISSING'
  /** An event name that belongs to page, screen, identify, group or alias. */
  | 'RESERVED_EVENT'
  /** More than a day ahead of our clock. */
  | 'TIMESTAMP_IN_FUTURE'
  /** Before the year 1900 or after 2299, which the warehouse cannot store. */
  | 'TIMESTAMP_OUT_OF_RANGE'
  /** Older than the retention that is set. */
  | 'TIMESTAMP_TOO_OLD';

/**
 * One of: and, or, not, cohort, or a comparison. A comparison names a property: `plan` or `properties.plan`, `context.page.url`, `traits.country`
 * (dots descend into objects), or a field of the event itself: `$event`, `$type`, `$person`, `$userId`, `$anonymousId`, `$groupId`, `$messageId`,
 * `$timestamp`, `$receivedAt`, and by the clock on the wall in the range's timezone `$hour` (0 to 23) and
 * `$weekday` (1 is Monday, 7 is Sunday) as the warehouse's own time zone database has it (before 1970 such databases differ).
 *
 * Properties of the person and the group, as identify and group events told them in their traits: `person.plan` and `group.industry` as of the
 * event, `personLatest.plan` and `groupLatest.industry` as of the snapshot. Each is what the newest event that has this property says
 * (as of the event: the newest at its timestamp or before; at one instant, the one with the greater messageId); null says nothing. An event of
 * the person counts under all ids that are merged. A property of your own with such a name is `properties.person.plan`. At most 20 in a filter.
 *
 * Properties of the session that the event is in: `session.seconds` (from its first event to its last), `session.events`, `session.isBounce`,
 * `session.entryPage` and `session.exitPage`, and `session.entryEvent` and `session.exitEvent` (the name of its first and last page, screen or
 * tracked event; of events of one instant, the smaller and the greater text). Sessions are those of Query.sessions with nothing else
 * said: of all events of the person, ended by 30 minutes without one, counted with their first 24 hours; an event after these is
 * in none. A session counts whole, also where the range begins or ends within it. At most 10 in a filter.
 *
 * Values compare with values of their own type: the number 10 never equals the text "10". A list or an object in a list counts as its text
 * of JSON, `{"sku":"a"}`, and no property's name reaches into it. An event that lacks the property fails every comparison but NEQ, NOT_IN,
 * NOT_CONTAINS and NOT_EXISTS, which are the negations of theirs.
 */
export type EventFilter = {
  readonly and?: InputMaybe<ReadonlyArray<EventFilter>>;
  /** Events of the members of this cohort, see Cohort. At most 10 in a filter. */
  readonly cohort?: InputMaybe<Scalars['String']['input']>;
  /** Compares texts in lower case. For EQ, IN, CONTAINS and their negations, STARTS_WITH, ENDS_WITH and MATCHES. */
  readonly ignoreCase?: InputMaybe<Scalars['Boolean']['input']>;
  readonly not?: InputMaybe<EventFilter>;
  /** EQ when left out. */
  readonly op?: InputMaybe<FilterOp>;
  readonly or?: InputMaybe<ReadonlyArray<EventFilter>>;
  readonly property?: InputMaybe<Scalars['String']['input']>;
  readonly value?: InputMaybe<Scalars['JSONValue']['input']>;
};

/** Exactly one of these. */
export type EventInput =
  { readonly alias: AliasInput; readonly group?: never; readonly identify?: never; readonly page?: never; readonly screen?: never; readonly track?: never; }
  |  { readonly alias?: never; readonly group: GroupInput; readonly identify?: never; readonly page?: never; readonly screen?: never; readonly track?: never; }
  |  { readonly alias?: never; readonly group?: never; readonly identify: IdentifyInput; readonly page?: never; readonly screen?: never; readonly track?: never; }
  |  { readonly alias?: never; readonly group?: never; readonly identify?: never; readonly page: PageInput; readonly screen?: never; readonly track?: never; }
  |  { readonly alias?: never; readonly group?: never; readonly identify?: never; readonly page?: never; readonly screen: ScreenInput; readonly track?: never; }
  |  { readonly alias?: never; readonly group?: never; readonly identify?: never; readonly page?: never; readonly screen?: never; readonly track: TrackInput; };

export type EventOrder =
  /** Newest first. */
  | 'NEWEST'
  /** Oldest first. */
  | 'OLDEST';

export type EventResult = {
  readonly errors: ReadonlyArray<EventError>;
  /** Place in the batch, from 0. */
  readonly index: Scalars['Int']['output'];
  /** As it was sent, or as the gateway made it. */
  readonly messageId: Scalars['ID']['output'];
  readonly status: EventStatus;
};

export type EventState =
  /** Kept aside, see reason. */
  | 'DEAD_LETTERED'
  /** In the log, on its way. */
  | 'IN_FLIGHT'
  /** In the warehouse: it is counted. */
  | 'STORED'
  /** Never acknowledged, or longer ago than anything remembers. */
  | 'UNKNOWN';

export type EventStatus =
  /** Durable; it will be counted. */
  | 'ACCEPTED'
  /** Durable, but kept aside with its reason; see errors and Query.deadLetters. */
  | 'DEAD_LETTERED'
  /** It never will be counted; see errors. */
  | 'REJECTED'
  /** Its partition of the log did not take it. Send it again with the same messageId: the one in this result, if the gateway made it. */
  | 'RETRY';

export type EventTrace = {
  /** How often of these it came with something else in it, as another event under the same messageId would. The first one stands. */
  readonly conflicts: Scalars['Int']['output'];
  /** How often it came again and was left out. */
  readonly deduplicated: Scalars['Int']['output'];
  readonly messageId: Scalars['ID']['output'];
  /** Why it is a dead letter. */
  readonly reason: Maybe<DeadLetterReason>;
  readonly receivedAt: Maybe<Scalars['DateTime']['output']>;
  readonly state: EventState;
};

export type EventType =
  | 'ALIAS'
  | 'GROUP'
  | 'IDENTIFY'
  | 'PAGE'
  | 'SCREEN'
  | 'TRACK';

export type FieldPrice = {
  /** Where it stands in the answer. */
  readonly path: ReadonlyArray<Scalars['String']['output']>;
  readonly price: Scalars['Float']['output'];
  /** Events that its statements go through, as often as they do. */
  readonly rows: Scalars['Float']['output'];
  /** What the price is made of, for people to read. */
  readonly why: ReadonlyArray<Scalars['String']['output']>;
};

export type FilterOp =
  | 'AFTER'
  | 'AT_OR_AFTER'
  | 'AT_OR_BEFORE'
  /**
   * BEFORE, AT_OR_BEFORE, AFTER, AT_OR_AFTER: value is a moment, `2026-03-01T12:00:00Z`, and so is the text that is compared with it, to the
   * millisecond: RFC 3339 with a time and a zone, of the years 1900 to 2299. Every other text fails. Also for $timestamp and $receivedAt.
   */
  | 'BEFORE'
  /** value is a list of two, the least and the greatest: GTE the first and LTE the second. */
  | 'BETWEEN'
  /** The text holds this text, or the list holds this value. */
  | 'CONTAINS'
  | 'ENDS_WITH'
  | 'EQ'
  /** No value. null counts as absent. */
  | 'EXISTS'
  /** GT, GTE, LT, LTE: numbers by size, texts by code point, $timestamp and $receivedAt by time. */
  | 'GT'
  | 'GTE'
  /** The property is a list and holds all of these values, a list of 1 to 100. */
  | 'HAS_ALL'
  /** The property is a list and holds any of these values, a list of 1 to 100. */
  | 'HAS_ANY'
  /** value is a list of 1 to 1,000. */
  | 'IN'
  | 'LT'
  | 'LTE'
  /** The text matches an RE2 regular expression, somewhere in it unless anchored. */
  | 'MATCHES'
  | 'NEQ'
  | 'NOT_CONTAINS'
  | 'NOT_EXISTS'
  | 'NOT_IN'
  | 'STARTS_WITH';

/** Resolved once for an operation: one `at` holds for all its reports (different ones are an error), `after` is joined, the strictest maxAgeMs wins. */
export type FreshnessInput = {
  /** Answer only when all that this token stands for is included. */
  readonly after?: InputMaybe<Scalars['ConsistencyToken']['input']>;
  /** Answer as of this snapshot, whatever has arrived since. */
  readonly at?: InputMaybe<Scalars['SnapshotToken']['input']>;
  /**
   * Accept an answer up to this old, in milliseconds; 0 recomputes. From 1,000 on, equal questions within that time are answered as
   * of one moment, and so from the cache: `last: "7d"` ends at that moment, too.
   */
  readonly maxAgeMs?: InputMaybe<Scalars['Int']['input']>;
  /** How long to wait for it, in milliseconds, at most 30,000; past that the report says TIMED_OUT and answers with what it has. */
  readonly maxWaitMs?: InputMaybe<Scalars['Int']['input']>;
};

/**
 * Counts persons (or what `by` says) by how far they got. One event counts for one step only; events of one instant count in step order.
 * Of several attempts of one person that counts which gets furthest; of several of these the earliest: none of the others has any of
 * its steps earlier. All times are those of that attempt.
 * Example: `funnel(input: { range: { last: "30d" }, steps: [{ event: "Product Viewed" }, { event: "Order Completed" }] }) { steps { event count conversionFromStart } }`
 * Example: `funnel(input: { range: { last: "30d" }, steps: [{ event: "Product Viewed" }, { event: "Checkout Started" }, { event: "Order Completed" }], order: ORDERED, exclusions: [{ event: "Order Refunded", fromStep: 2 }], breakdown: { property: "context.page.url", limit: 3, attribution: LAST_TOUCH } }) { steps { count medianSecondsFromPrevious droppedOff(first: 2) { nodes { userId } } } breakdown { value steps { count } } trend(interval: WEEK) { start conversion } }`
 */
export type Funnel = {
  /** By who began, the most first, the others last; null without one. */
  readonly breakdown: Maybe<ReadonlyArray<FunnelBreakdown>>;
  readonly meta: ReportMeta;
  readonly steps: ReadonlyArray<FunnelStep>;
  /** One for each interval of the range in which the attempt that counts can have begun: none left out, at most 10,000. */
  readonly trend: ReadonlyArray<FunnelTrendPoint>;
};


/**
 * Counts persons (or what `by` says) by how far they got. One event counts for one step only; events of one instant count in step order.
 * Of several attempts of one person that counts which gets furthest; of several of these the earliest: none of the others has any of
 * its steps earlier. All times are those of that attempt.
 * Example: `funnel(input: { range: { last: "30d" }, steps: [{ event: "Product Viewed" }, { event: "Order Completed" }] }) { steps { event count conversionFromStart } }`
 * Example: `funnel(input: { range: { last: "30d" }, steps: [{ event: "Product Viewed" }, { event: "Checkout Started" }, { event: "Order Completed" }], order: ORDERED, exclusions: [{ event: "Order Refunded", fromStep: 2 }], breakdown: { property: "context.page.url", limit: 3, attribution: LAST_TOUCH } }) { steps { count medianSecondsFromPrevious droppedOff(first: 2) { nodes { userId } } } breakdown { value steps { count } } trend(interval: WEEK) { start conversion } }`
 */
export type FunnelTrendArgs = {
  interval?: InputMaybe<Interval>;
};

/** Whose value of the property counts. Of several events of that instant the smaller text. */
export type FunnelAttribution =
  /** The first event in the range that passes the filter and has the property, a step or not. */
  | 'FIRST_TOUCH'
  /** The last such event. */
  | 'LAST_TOUCH'
  /** The first step of the attempt that counts. */
  | 'STEP_1';

export type FunnelBreakdown = {
  /** True for the line that all values beyond the limit share. */
  readonly isOther: Scalars['Boolean']['output'];
  readonly steps: ReadonlyArray<FunnelStep>;
  /** `(none)` stands for those without the property, `(other)` for the rest. */
  readonly value: Scalars['String']['output'];
};

/**
 * The `limit` values with the most that began (ties: the smaller text first) get a line each; all others share one, computed from what they did
 * and not from their lines.
 */
export type FunnelBreakdownInput = {
  readonly attribution?: InputMaybe<FunnelAttribution>;
  readonly includeOther?: InputMaybe<Scalars['Boolean']['input']>;
  /** 1 to 1,000. */
  readonly limit?: InputMaybe<Scalars['Int']['input']>;
  readonly property: Scalars['String']['input'];
};

/**
 * An event that ends an attempt when it happens after one step and before the other: the attempt gets no further than it was. At the
 * very instant of a step it is neither before nor after it, and ends nothing.
 */
export type FunnelExclusionInput = {
  /** Name of the event; any event when left out. */
  readonly event?: InputMaybe<Scalars['String']['input']>;
  readonly filter?: InputMaybe<EventFilter>;
  /** Number of a step, from 1. */
  readonly fromStep?: InputMaybe<Scalars['Int']['input']>;
  /** Number of a later step; the last one when left out. UNORDERED has exclusions from the first to the last only. */
  readonly toStep?: InputMaybe<Scalars['Int']['input']>;
};

export type FunnelInput = {
  /** The same for each value of a property. */
  readonly breakdown?: InputMaybe<FunnelBreakdownInput>;
  /**
   * What is counted: `person`; `session`, a person's events without a silence of 30 minutes (all events in the range, whatever the filter;
   * an event 30 minutes or more after the last one begins another session. Nothing outside of the range is looked at, so a session at its edge
   * is cut there, and one may last longer than a day: where neither is the case, these are the sessions of Query.sessions); or a property, `context.sessionId` say, each value of
   * which is one whoever it comes from, and events without it are left out. A property that is named person or session is `properties.person`.
   */
  readonly by?: InputMaybe<Scalars['String']['input']>;
  /** At most 7 of them. */
  readonly exclusions?: InputMaybe<ReadonlyArray<FunnelExclusionInput>>;
  /** Holds for steps, exclusions, and what is an other event to STRICT. */
  readonly filter?: InputMaybe<EventFilter>;
  readonly freshness?: InputMaybe<FreshnessInput>;
  readonly order?: InputMaybe<FunnelOrder>;
  /** Every step must lie in it. */
  readonly range: RangeInput;
  /** 2 to 12 of them. */
  readonly steps: ReadonlyArray<FunnelStepInput>;
  /** From the first step to the last, both included; 14 days by default, at most 366. Never from one step to the next. */
  readonly windowSeconds?: InputMaybe<Scalars['Int']['input']>;
};

export type FunnelOrder =
  /** One step after the other, whatever happens between them. */
  | 'ORDERED'
  /**
   * One step after the other, and nothing between them: between the first and the last step of an attempt lies no event, of whatever name,
   * that passes the filter and is not a step of it. What happens at the very instant of its first or last step lies not between.
   */
  | 'STRICT'
  /** In any order. The first step is whichever was done first, the second whichever came next: counts say how many of the steps were done. */
  | 'UNORDERED';

/** In an order that never changes. A cursor belongs to a snapshot: ask for the next page with freshness.at of the first one's meta.snapshot. */
export type FunnelPeople = {
  readonly edges: ReadonlyArray<FunnelPersonEdge>;
  readonly nodes: ReadonlyArray<FunnelPerson>;
  readonly pageInfo: PageInfo;
};

/** A person, session or value that was counted. */
export type FunnelPerson = {
  readonly anonymousId: Maybe<Scalars['ID']['output']>;
  /** The person's userId, or anonymousId without one; a session's person and beginning; or the property's value. */
  readonly id: Scalars['ID']['output'];
  /** The smallest text of those with which the events came that were looked at. */
  readonly userId: Maybe<Scalars['ID']['output']>;
};

export type FunnelPersonEdge = {
  readonly cursor: Scalars['String']['output'];
  readonly node: FunnelPerson;
};

export type FunnelStep = {
  readonly conversionFromPrevious: Scalars['Float']['output'];
  /** Between 0 and 1; 0 when nobody began. */
  readonly conversionFromStart: Scalars['Float']['output'];
  /** Persons who got at least this far. */
  readonly count: Scalars['Int']['output'];
  /** Who got to the step before and no further; nobody for the first step. first is at most 1,000. */
  readonly droppedOff: FunnelPeople;
  /** Label of the step. */
  readonly event: Scalars['String']['output'];
  /** Of those who got this far, and of no others; null for the first step, and when nobody did. Exact, interpolated between the two nearest values. */
  readonly medianSecondsFromPrevious: Maybe<Scalars['Float']['output']>;
  readonly medianSecondsFromStart: Maybe<Scalars['Float']['output']>;
  /** Nine of ten were as fast or faster. */
  readonly p90SecondsFromPrevious: Maybe<Scalars['Float']['output']>;
  readonly p90SecondsFromStart: Maybe<Scalars['Float']['output']>;
  /** Who got at least this far. first is at most 1,000. */
  readonly people: FunnelPeople;
};


export type FunnelStepDroppedOffArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};


export type FunnelStepPeopleArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};

export type FunnelStepInput = {
  /** Name of the event; any event when left out. */
  readonly event?: InputMaybe<Scalars['String']['input']>;
  readonly filter?: InputMaybe<EventFilter>;
  /** Default: the event's name. */
  readonly label?: InputMaybe<Scalars['String']['input']>;
};

export type FunnelTrendPoint = {
  /** From the first step to the last; null when nobody began. */
  readonly conversion: Maybe<Scalars['Float']['output']>;
  /** Of the attempts that began in it, those that got at least to each of the steps. */
  readonly counts: ReadonlyArray<Scalars['Int']['output']>;
  /** Beginning of the interval. */
  readonly start: Scalars['DateTime']['output'];
};

export type GroupInput = {
  readonly anonymousId?: InputMaybe<Scalars['ID']['input']>;
  readonly context?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly groupId: Scalars['ID']['input'];
  readonly messageId?: InputMaybe<Scalars['ID']['input']>;
  readonly sentAt?: InputMaybe<Scalars['DateTime']['input']>;
  readonly timestamp?: InputMaybe<Scalars['DateTime']['input']>;
  /** What is true of the group. */
  readonly traits?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly userId?: InputMaybe<Scalars['ID']['input']>;
};

export type IdentifyInput = {
  readonly anonymousId?: InputMaybe<Scalars['ID']['input']>;
  readonly context?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly messageId?: InputMaybe<Scalars['ID']['input']>;
  readonly sentAt?: InputMaybe<Scalars['DateTime']['input']>;
  readonly timestamp?: InputMaybe<Scalars['DateTime']['input']>;
  /** What is true of the person: plan, country... */
  readonly traits?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly userId?: InputMaybe<Scalars['ID']['input']>;
};

export type Ingestion = {
  /** Every live event acknowledged before this moment is in the reports. */
  readonly asOf: Scalars['DateTime']['output'];
  /** Hours within which the same messageId counts once, in the partition where they are fewest: less than asked for (DEDUP_WINDOW_HOURS) when memory is short. Null when nothing was stored for a day. */
  readonly dedupWindowHours: Maybe<Scalars['Int']['output']>;
  /** Records that the log has and the reports have not, over all partitions. */
  readonly lag: Scalars['Float']['output'];
  /**
   * What became of this project's events, by the minute in which a gateway received them, of all keys together and key by key. `received` is
   * what was accepted, rejected or to be sent again; `accepted` is what is stored, left out as a repeat, kept aside, dropped, deleted or in flight.
   * Whole minutes: from is rounded down, to is rounded up. Gateways tell what they received every 10 seconds.
   */
  readonly ledger: ReadonlyArray<LedgerBucket>;
  readonly partitions: ReadonlyArray<PartitionLag>;
};


export type IngestionLedgerArgs = {
  by?: InputMaybe<Interval>;
  range: RangeInput;
};

export type Interval =
  | 'DAY'
  | 'HOUR'
  | 'MINUTE'
  | 'MONTH'
  | 'QUARTER'
  /** From Monday, or weekStart. */
  | 'WEEK'
  | 'YEAR';

export type Lane =
  /** Imports. The same messageId counts once however long ago the first one came, when their timestamps are at most a day apart. */
  | 'HISTORY'
  /** What happens now. The same messageId counts once within the window (24 hours by default). */
  | 'LIVE';

/** Counts of the events received in a bucket of time, by the gateway's clock. */
export type LedgerBucket = {
  /** Taken by the log: answered ACCEPTED or DEAD_LETTERED. */
  readonly accepted: Scalars['Float']['output'];
  /**
   * Whether the log adds up, as far as it was stored in this bucket, by the warehouse's clock: of each range of it, every record is stored,
   * deduplicated, dead-lettered, dropped or deleted, and no position is missing or told twice. About the log as a whole, whose records may be
   * those of other projects; events in flight are no imbalance.
   */
  readonly balanced: Scalars['Boolean']['output'];
  /** The same by key, in the order of keyId: of the keys of which something is counted in this bucket. */
  readonly byKey: ReadonlyArray<LedgerKey>;
  /** Of these, how many came with something else in them. The first one stands. */
  readonly conflicting: Scalars['Float']['output'];
  /** Kept aside, see Query.deadLetters. */
  readonly deadLettered: Scalars['Float']['output'];
  /** Left out because their messageId had come before. */
  readonly deduplicated: Scalars['Float']['output'];
  /** Taken out again with their person, see Mutation.deletePerson: no longer in stored or deadLettered. */
  readonly deleted: Scalars['Float']['output'];
  /** Left out on purpose. Counted in the minute of the newest record of their batch. */
  readonly dropped: Scalars['Float']['output'];
  /** Accepted, and none of stored, deduplicated, deadLettered, dropped and deleted yet. Never below 0: an append that the log was asked for twice can make two records of one acceptance, and the second is deduplicated. Too low where incomplete. */
  readonly inFlight: Scalars['Float']['output'];
  /**
   * Some gateway has not told what it received in this bucket, and will not soon: it was killed, or is cut off from the warehouse for more than
   * 2 minutes, or too many counts waited. received, accepted, rejected, retried and inFlight may be too low then. What is stored is not
   * concerned. A gateway that falls silent makes 5 minutes incomplete; if it only was cut off, its counts come when it is back.
   */
  readonly incomplete: Scalars['Boolean']['output'];
  /** Events that gateways answered, one by one: accepted, rejected or to be sent again. Requests that were refused whole, and not for the log's sake, have none. */
  readonly received: Scalars['Float']['output'];
  /** Answered REJECTED, by the code of their first error. */
  readonly rejected: ReadonlyArray<LedgerCount>;
  /** Answered RETRY, or with an error that says so for the whole request, by the reason. Some may have been stored all the same. */
  readonly retried: ReadonlyArray<LedgerCount>;
  readonly start: Scalars['DateTime']['output'];
  /** In the reports. */
  readonly stored: Scalars['Float']['output'];
};

export type LedgerCount = {
  /** An EventErrorCode. */
  readonly code: Scalars['String']['output'];
  readonly count: Scalars['Float']['output'];
};

/** Counts of one bucket and one key; each means what it means in LedgerBucket. */
export type LedgerKey = {
  readonly accepted: Scalars['Float']['output'];
  readonly conflicting: Scalars['Float']['output'];
  readonly deadLettered: Scalars['Float']['output'];
  readonly deduplicated: Scalars['Float']['output'];
  readonly deleted: Scalars['Float']['output'];
  readonly dropped: Scalars['Float']['output'];
  readonly inFlight: Scalars['Float']['output'];
  /** A public name of the credential that the events came with: never the credential. */
  readonly keyId: Scalars['ID']['output'];
  readonly received: Scalars['Float']['output'];
  readonly rejected: ReadonlyArray<LedgerCount>;
  readonly retried: ReadonlyArray<LedgerCount>;
  readonly stored: Scalars['Float']['output'];
};

/**
 * Persons of each interval, by what their activity was before. Every list has one number for each interval of the range.
 * Example: `lifecycle(input: { range: { last: "8w" }, interval: WEEK }) { buckets new returning resurrecting dormant complete }`
 */
export type Lifecycle = {
  /** Beginnings of the intervals, in order, none left out. */
  readonly buckets: ReadonlyArray<Scalars['DateTime']['output']>;
  /** Whether the interval was over at meta.asOf. Until then more persons become active, and fewer are dormant. */
  readonly complete: ReadonlyArray<Scalars['Boolean']['output']>;
  /** Not active, but in the interval before: who was lost. A count like the others, not a negative one. */
  readonly dormant: ReadonlyArray<Scalars['Int']['output']>;
  readonly meta: ReportMeta;
  /** Active for the first time ever. */
  readonly new: ReadonlyArray<Scalars['Int']['output']>;
  /** Active, and not in the interval before, but in an earlier one. */
  readonly resurrecting: ReadonlyArray<Scalars['Int']['output']>;
  /** Active, and also in the interval before. The first interval of the range looks at the one before the range. */
  readonly returning: ReadonlyArray<Scalars['Int']['output']>;
};

export type LifecycleInput = {
  /** What counts as being active; any event when left out. */
  readonly event?: InputMaybe<Scalars['String']['input']>;
  readonly filter?: InputMaybe<EventFilter>;
  readonly freshness?: InputMaybe<FreshnessInput>;
  /** At most 10,000 of them. */
  readonly interval?: InputMaybe<Interval>;
  /** Intervals count whole, also where the range begins or ends within one. */
  readonly range: RangeInput;
};

/**
 * What happens now, as of the answer's snapshot. Minutes are those of the clock, the present one included, as in `last: "30m"`. By the time
 * of events: what clients send late is in the minute in which it happened.
 * Example: `live { last5Minutes { events persons } minutes { start events persons } topEvents { name events } topPages { name persons } }`
 */
export type Live = {
  readonly last5Minutes: LiveCounts;
  readonly last30Minutes: LiveCounts;
  readonly meta: ReportMeta;
  /** 30 of them, in order. */
  readonly minutes: ReadonlyArray<LiveMinute>;
  /** What `last` is counted from. */
  readonly now: Scalars['DateTime']['output'];
  /** Of the last 30 minutes, the most frequent first (ties: the smaller text); at most `limit`. */
  readonly topEvents: ReadonlyArray<LiveName>;
  /** Pages of page events: `properties.path`, or else `context.page.path`; `(none)` when an event has neither. */
  readonly topPages: ReadonlyArray<LiveName>;
};

export type LiveCounts = {
  readonly events: Scalars['Float']['output'];
  /** Who did any of them. */
  readonly persons: Scalars['Float']['output'];
};

/**
 * The first one comes at once and without events: everything that is stored after its `snapshot` will be told.
 * Example: `subscription { liveEvents(filter: { property: "$event", op: IN, value: ["Sign Up", "Order Completed"] }) { events { event userId timestamp properties } lost snapshot } }`
 */
export type LiveEvents = {
  /** Every live event acknowledged before this moment was told, or counted as lost. What is too much for one message is told in several, of which the last one says so. */
  readonly asOf: Scalars['DateTime']['output'];
  /**
   * In the order in which they were stored: those of a person in the order in which they came, late ones among them. `person` is as of
   * this message's snapshot. Both what clients send and what is imported.
   */
  readonly events: ReadonlyArray<Event>;
  /**
   * How many events that fit the filter were left out for this reader since the message before: it was slow, or more than 1,000 events (or
   * 1 MiB of their JSON) were stored between two looks, of which there are up to four a second. The oldest are left out.
   */
  readonly lost: Scalars['Int']['output'];
  /** `events(freshness: { at })` of the first message's snapshot and all messages after it make the whole, with nothing twice. */
  readonly snapshot: Scalars['SnapshotToken']['output'];
};

export type LiveMinute = {
  readonly events: Scalars['Float']['output'];
  readonly persons: Scalars['Float']['output'];
  readonly start: Scalars['DateTime']['output'];
};

export type LiveName = {
  readonly events: Scalars['Float']['output'];
  readonly name: Scalars['String']['output'];
  readonly persons: Scalars['Float']['output'];
};

export type Measure =
  | 'AVG'
  | 'COUNT'
  /** Events divided by persons. */
  | 'COUNT_PER_USER'
  | 'MAX'
  | 'MIN'
  /** The same over 30 days. */
  | 'MONTHLY_ACTIVE'
  /** P50 to P99: exact, interpolated between the two nearest values (as percentile_cont of SQL). */
  | 'P50'
  | 'P75'
  | 'P90'
  | 'P95'
  | 'P99'
  | 'SUM'
  /** Different groups; events without a group count for none. */
  | 'UNIQUE_GROUPS'
  | 'UNIQUE_USERS'
  | 'UNIQUE_VALUES'
  /**
   * Persons who were active within 7 calendar days of the timezone, also where these begin before the range. The last of them is the day in
   * which the bucket ends (or the range, where that comes first), up to this end. The total is that of the last bucket.
   */
  | 'WEEKLY_ACTIVE';

/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type Mutation = {
  /**
   * Another id of the same person: previousId is from then on who userId is, also in its events of before. It is the event
   * `$alias` in reports. previousId may be a known or an anonymous id; as nobody can tell from it which, both ids that are
   * written so are merged. Whatever says whose an id is, identify or alias, the first one by time of receipt, then by messageId,
   * counts, and later ones change nothing. Aliases may follow each other, to any length. Where they would go round in a circle,
   * the youngest of them does not count.
   */
  readonly alias: Maybe<TrackPayload>;
  /** Deletes a cohort; its versions are kept. Refused while a dynamic cohort is made of it. Needs a token that may edit. */
  readonly deleteCohort: Maybe<Deletion>;
  /**
   * Deletes whoever has this id, as `Query.person` finds them, with everything that was acknowledged before. Needs an admin token. It answers as
   * soon as the request is durable; a sink does it within seconds, or once what was acknowledged before is stored: see Query.deletion.
   * Asking again is harmless: each request is a deletion of its own, which finds what is there.
   * Example: `mutation { deletePerson(id: "u1") { id state requestedAt } }`
   */
  readonly deletePerson: Maybe<PersonDeletion>;
  /** Deletes a saved report; its versions are kept. Needs a token that may edit. */
  readonly deleteReport: Maybe<Deletion>;
  /** Which group somebody belongs to. It is the event `$group` in reports. */
  readonly group: Maybe<TrackPayload>;
  /**
   * Who somebody is: ties anonymousId to userId, and carries traits. It is the event `$identify` in reports.
   * With both ids, the anonymous one is from then on the same person as the known one, also in its events of before: reports that
   * count persons count one. An anonymous id belongs to the first known id that identified it (the first by time of receipt, then
   * by messageId); that others identify it later changes nothing, so a shared computer does not make two users one.
   * Two known ids are only ever merged by `alias`.
   */
  readonly identify: Maybe<TrackPayload>;
  /** A page view. It is the event `$page` in reports. */
  readonly page: Maybe<TrackPayload>;
  /** Saves a cohort under a name, as a new version where there is one. Needs a token that may edit. What cannot be answered is refused. */
  readonly saveCohort: Maybe<Cohort>;
  /** Saves a report under a name, as a new version where there is one. Needs a token that may edit. */
  readonly saveReport: Maybe<SavedReport>;
  /** A screen view of an app. It is the event `$screen` in reports. */
  readonly screen: Maybe<TrackPayload>;
  /** Something that somebody did. */
  readonly track: Maybe<TrackPayload>;
  /**
   * Any mix of events, answered one by one: an event that fits the schema but is bad (limits, timestamp) never fails its neighbours.
   * Variables that do not fit the schema refuse the request whole, nothing accepted, and name the place (events[3].track.event).
   * At most 2,500 events, and 500 KB of request: more is refused whole, with PAYLOAD_TOO_LARGE.
   */
  readonly trackBatch: Maybe<TrackBatchPayload>;
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationAliasArgs = {
  input: AliasInput;
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationDeleteCohortArgs = {
  expectedVersion?: InputMaybe<Scalars['Int']['input']>;
  name: Scalars['String']['input'];
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationDeletePersonArgs = {
  id: Scalars['ID']['input'];
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationDeleteReportArgs = {
  expectedVersion?: InputMaybe<Scalars['Int']['input']>;
  name: Scalars['String']['input'];
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationGroupArgs = {
  input: GroupInput;
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationIdentifyArgs = {
  input: IdentifyInput;
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationPageArgs = {
  input: PageInput;
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationSaveCohortArgs = {
  input: SaveCohortInput;
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationSaveReportArgs = {
  input: SaveReportInput;
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationScreenArgs = {
  input: ScreenInput;
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationTrackArgs = {
  input: TrackInput;
};


/**
 * Tracking. Needs a write key. A mutation answers only after the log has its events on disk; from then on they are counted,
 * exactly once, whatever fails. Root fields are nullable, so that one refused mutation never nulls its neighbours.
 */
export type MutationTrackBatchArgs = {
  input: TrackBatchInput;
};

export type PageInfo = {
  readonly endCursor: Maybe<Scalars['String']['output']>;
  readonly hasNextPage: Scalars['Boolean']['output'];
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  readonly startCursor: Maybe<Scalars['String']['output']>;
};

export type PageInput = {
  readonly anonymousId?: InputMaybe<Scalars['ID']['input']>;
  /** Becomes properties.category. */
  readonly category?: InputMaybe<Scalars['String']['input']>;
  readonly context?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly messageId?: InputMaybe<Scalars['ID']['input']>;
  /** Becomes properties.name. */
  readonly name?: InputMaybe<Scalars['String']['input']>;
  readonly properties?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly sentAt?: InputMaybe<Scalars['DateTime']['input']>;
  readonly timestamp?: InputMaybe<Scalars['DateTime']['input']>;
  readonly userId?: InputMaybe<Scalars['ID']['input']>;
};

export type PageSessions = {
  /** True for all pages beyond the limit together. */
  readonly isOther: Scalars['Boolean']['output'];
  /** `properties.path` of the page event, or else `context.page.path`; `(none)` when it has neither. Of events of one instant the smaller text comes first. */
  readonly page: Scalars['String']['output'];
  readonly sessions: Scalars['Float']['output'];
};

export type PartitionLag = {
  readonly lag: Scalars['Float']['output'];
  readonly lane: Lane;
  readonly partition: Scalars['Int']['output'];
};

/** From a step to the next one. */
export type PathLink = {
  readonly from: Scalars['String']['output'];
  readonly persons: Scalars['Float']['output'];
  readonly sessions: Scalars['Float']['output'];
  /** Of the node that it comes from. */
  readonly step: Scalars['Int']['output'];
  readonly to: Scalars['String']['output'];
};

/** A step at its place. What comes out of it: its links, the sessions that ended, and what minSessions and limit leave out. */
export type PathNode = {
  /** Sessions of which this is the first step at all. */
  readonly began: Scalars['Float']['output'];
  /** The drop-off: sessions of which this is the last step at all. */
  readonly ended: Scalars['Float']['output'];
  readonly name: Scalars['String']['output'];
  readonly persons: Scalars['Float']['output'];
  readonly sessions: Scalars['Float']['output'];
  /** From 1. With `to`, paths are aligned at their end, and the step `depth` is the last one. */
  readonly step: Scalars['Int']['output'];
};

/**
 * A rule looks at a text: the value of a property, or without one the usual name, which is the path for a page, the name for a screen, and
 * the event's name for all others. It fits an event that is named so, has the property and whose text matches. All product pages in
 * one: `{ matches: "^/product/", name: "/product/*" }`.
 */
export type PathRuleInput = {
  /** Only events of this name: `$page`, `Order Completed`. */
  readonly event?: InputMaybe<Scalars['String']['input']>;
  /** The text matches this RE2 regular expression, somewhere in it unless anchored. */
  readonly matches?: InputMaybe<Scalars['String']['input']>;
  /** What the step is called; the text itself when left out. This or a property is needed. */
  readonly name?: InputMaybe<Scalars['String']['input']>;
  /** The text is its value; the rule fits events that have one. */
  readonly property?: InputMaybe<Scalars['String']['input']>;
};

/**
 * Where sessions go, step by step. Steps are page, screen and tracked events, in the order of time; of one instant, in the order of their names.
 * Example: `paths(input: { range: { last: "30d" }, rules: [{ matches: "^/product/", name: "/product/*" }], minSessions: 2 }) { nodes { step name sessions ended } links { step from to sessions persons } }`
 */
export type Paths = {
  /** By sessions, the most first. */
  readonly links: ReadonlyArray<PathLink>;
  readonly meta: ReportMeta;
  /** By sessions, the most first. */
  readonly nodes: ReadonlyArray<PathNode>;
  /** Persons who had one. */
  readonly persons: Scalars['Float']['output'];
  /** Sessions that have a path. */
  readonly sessions: Scalars['Float']['output'];
};

export type PathsInput = {
  /** Steps of a path, 2 to 20. */
  readonly depth?: InputMaybe<Scalars['Int']['input']>;
  /** Sessions and their steps are made of these events only. */
  readonly filter?: InputMaybe<EventFilter>;
  readonly freshness?: InputMaybe<FreshnessInput>;
  /** Paths begin where this step is for the first time in a session. Sessions without it have no path. The name as rules make it. */
  readonly from?: InputMaybe<Scalars['String']['input']>;
  /** So many minutes without an event, or more, end a session; 1 to 1,440. */
  readonly gapMinutes?: InputMaybe<Scalars['Int']['input']>;
  /** A step that has the name of the step before it is left out, unless this is true. */
  readonly keepRepeats?: InputMaybe<Scalars['Boolean']['input']>;
  /** The nodes with the most sessions are shown (ties: the earlier step, then the smaller text), and the links between them; 1 to 1,000. A warning says when there are more. */
  readonly limit?: InputMaybe<Scalars['Int']['input']>;
  /** Nodes and links that fewer sessions went through are left out. */
  readonly minSessions?: InputMaybe<Scalars['Int']['input']>;
  /** Sessions that start in it, as Query.sessions counts them. */
  readonly range: RangeInput;
  /** What steps are called: the first rule that fits an event decides. At most 50. */
  readonly rules?: InputMaybe<ReadonlyArray<PathRuleInput>>;
  /** Paths end where this step is for the first time in a session. One of from and to, or none: then paths begin where sessions do. */
  readonly to?: InputMaybe<Scalars['String']['input']>;
};

/**
 * A person, with all ids that are merged.
 * Example: `person(id: "u1") { userIds traits eventCount lastSeen events(range: { last: "1y" }, first: 20) { nodes { timestamp event } } }`
 */
export type Person = {
  /** Of its events, in order; at most 1,000. */
  readonly anonymousIds: ReadonlyArray<Scalars['ID']['output']>;
  readonly eventCount: Scalars['Float']['output'];
  /** The timeline, as of the same snapshot. For the next page, ask for the person with freshness.at of the first one's meta.snapshot. */
  readonly events: Maybe<EventConnection>;
  readonly firstSeen: Scalars['DateTime']['output'];
  readonly lastSeen: Scalars['DateTime']['output'];
  readonly meta: ReportMeta;
  /**
   * Of each trait what the newest identify event says that has it (at one instant, the one with the greater messageId); null says nothing, and
   * objects are merged. Of the newest 10,000 identify events.
   */
  readonly traits: Scalars['JSONObject']['output'];
  /** Of its events, in order; at most 1,000. */
  readonly userIds: ReadonlyArray<Scalars['ID']['output']>;
};


/**
 * A person, with all ids that are merged.
 * Example: `person(id: "u1") { userIds traits eventCount lastSeen events(range: { last: "1y" }, first: 20) { nodes { timestamp event } } }`
 */
export type PersonEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<EventFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  order?: InputMaybe<EventOrder>;
  range: RangeInput;
};

/**
 * The deletion of a person: of everything that was acknowledged before the request, under all ids that were merged by then. A row
 * takes its place that says no more than that there was an event, its messageId and its times. What comes later under the same ids is
 * a new person. See docs/privacy.md.
 * How to ask: `deletions(first: 10) { id state requestedAt finishedAt events deadLetters }`
 */
export type PersonDeletion = {
  /** Events that had been kept aside, taken out of Query.deadLetters. Null until it is done. */
  readonly deadLetters: Maybe<Scalars['Float']['output']>;
  /** Events that were taken out. Null until it is done. */
  readonly events: Maybe<Scalars['Float']['output']>;
  /** Null until it is done. */
  readonly finishedAt: Maybe<Scalars['DateTime']['output']>;
  /** Of the deletion, not of the person, whose ids are kept as hashes alone. */
  readonly id: Scalars['ID']['output'];
  /** How many ids were merged into this person, each counted as a known and as an anonymous one where it may be both. Null until they are known. */
  readonly ids: Maybe<Scalars['Int']['output']>;
  readonly requestedAt: Scalars['DateTime']['output'];
  readonly state: DeletionState;
};

/**
 * One unit is a row that is read and counted. Rows come from how many events the project has of each name and day, as of about a minute ago; each is
 * multiplied by what is done with it, and each number of the answer costs 10: see docs/prices.md.
 * Example: `priceOf(query: "{ trend(input: { range: { last: \"90d\" }, series: [{ event: \"Order Completed\" }] }) { series { total } } }") { total budget fits fields { path price rows why } suggestions { text price } }`
 */
export type Price = {
  /** What one operation of this credential may cost at most; null where there is no limit. */
  readonly budget: Maybe<Scalars['Float']['output']>;
  /** One for each field of Query that the operation asks for. */
  readonly fields: ReadonlyArray<FieldPrice>;
  /** Whether the total is within the budget. */
  readonly fits: Scalars['Boolean']['output'];
  /** Cheaper questions that are within the budget, where this one is not; each was priced as this one was. */
  readonly suggestions: ReadonlyArray<PriceSuggestion>;
  readonly total: Scalars['Float']['output'];
};

/** What to put in the place of what was asked. Only what differs is not null. */
export type PriceChange = {
  /** For range.from. */
  readonly from: Maybe<Scalars['DateTime']['output']>;
  readonly interval: Maybe<Interval>;
  /** For range.last. */
  readonly last: Maybe<Scalars['String']['output']>;
  /** The field of Query. */
  readonly path: ReadonlyArray<Scalars['String']['output']>;
};

/** The same operation with a coarser interval, or with shorter ranges that end where the ranges asked for end. */
export type PriceSuggestion = {
  readonly changes: ReadonlyArray<PriceChange>;
  readonly price: Scalars['Float']['output'];
  readonly text: Scalars['String']['output'];
};

/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type Query = {
  /** Which events and properties there are, with types and volumes. */
  readonly catalog: Maybe<Catalog>;
  /** Who somebody's report may be about: a cohort with its size and people. Fails with NOT_FOUND when there is none of the name. */
  readonly cohort: Maybe<Cohort>;
  /** All cohorts, by name. Sizes cost a statement each. */
  readonly cohorts: Maybe<ReadonlyArray<Cohort>>;
  /** Events that could not be stored, with their reasons, newest first. first is at most 1,000. */
  readonly deadLetters: Maybe<DeadLetterConnection>;
  /** How far a deletion of a person has come, by its own id. null when there is none. */
  readonly deletion: Maybe<PersonDeletion>;
  /** Deletions of persons, newest first. first is at most 1,000. */
  readonly deletions: Maybe<ReadonlyArray<PersonDeletion>>;
  /**
   * Reports about many things at once, each known by an id in a property of events, productId say: one for each of the ids, in their order. At most
   * 1,000 ids. The property is named as in filters, and its values are texts. An id that no event has is an empty report.
   */
  readonly entityReports: Maybe<ReadonlyArray<EntityReports>>;
  /** What became of events, by messageId; at most 1,000 of them. */
  readonly eventStatus: Maybe<ReadonlyArray<EventTrace>>;
  /** The events themselves, stable under new arrivals: all pages show the snapshot of the first one. first is at most 1,000. */
  readonly events: Maybe<EventConnection>;
  /** How many persons got from step to step. */
  readonly funnel: Maybe<Funnel>;
  /** How far storing has come, and what it did. */
  readonly ingestion: Maybe<Ingestion>;
  /** Who is new, who came back and who was lost, interval by interval. */
  readonly lifecycle: Maybe<Lifecycle>;
  /** Who is active now, and with what. limit is at most 1,000. */
  readonly live: Maybe<Live>;
  /** Where sessions go, step by step. */
  readonly paths: Maybe<Paths>;
  /**
   * Somebody, with a timeline. null when nobody has the id: a user id, or else an anonymous id, on its own or else beside the user id of
   * the first event that has both.
   */
  readonly person: Maybe<Person>;
  /**
   * What an operation costs, before it runs: none of its reports is computed. It is parsed, validated and limited as every operation is. A price
   * is that of an answer of which nothing is cached, with each report computed by itself; a cached one costs less in truth, and is
   * priced the same. A subscription costs what its first message does. At most 5 in an operation.
   */
  readonly priceOf: Maybe<Price>;
  /** How many persons came back, by the interval in which they began. */
  readonly retention: Maybe<Retention>;
  /** Runs a saved report. variables are checked against what it declares. At most 10 in an operation. */
  readonly savedReport: Maybe<SavedReportAnswer>;
  /** All saved reports, by name. */
  readonly savedReports: Maybe<ReadonlyArray<SavedReport>>;
  /** How often persons come, for how long, and where they enter and leave. */
  readonly sessions: Maybe<Sessions>;
  /** How many persons came back on how many days. */
  readonly stickiness: Maybe<Stickiness>;
  /** The most frequent values of a property. */
  readonly topValues: Maybe<TopValues>;
  /** A number over time, one line for each series and breakdown value. */
  readonly trend: Maybe<Trend>;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryCatalogArgs = {
  freshness?: InputMaybe<FreshnessInput>;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryCohortArgs = {
  freshness?: InputMaybe<FreshnessInput>;
  name: Scalars['String']['input'];
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryCohortsArgs = {
  freshness?: InputMaybe<FreshnessInput>;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryDeadLettersArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryDeletionArgs = {
  id: Scalars['ID']['input'];
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryDeletionsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryEntityReportsArgs = {
  ids: ReadonlyArray<Scalars['ID']['input']>;
  property: Scalars['String']['input'];
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryEventStatusArgs = {
  messageIds: ReadonlyArray<Scalars['ID']['input']>;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<EventFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  freshness?: InputMaybe<FreshnessInput>;
  order?: InputMaybe<EventOrder>;
  range: RangeInput;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryFunnelArgs = {
  input: FunnelInput;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryLifecycleArgs = {
  input: LifecycleInput;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryLiveArgs = {
  filter?: InputMaybe<EventFilter>;
  freshness?: InputMaybe<FreshnessInput>;
  limit?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryPathsArgs = {
  input: PathsInput;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryPersonArgs = {
  freshness?: InputMaybe<FreshnessInput>;
  id: Scalars['ID']['input'];
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryPriceOfArgs = {
  operationName?: InputMaybe<Scalars['String']['input']>;
  query: Scalars['String']['input'];
  variables?: InputMaybe<Scalars['JSONObject']['input']>;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryRetentionArgs = {
  input: RetentionInput;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QuerySavedReportArgs = {
  freshness?: InputMaybe<FreshnessInput>;
  name: Scalars['String']['input'];
  variables?: InputMaybe<Scalars['JSONObject']['input']>;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QuerySessionsArgs = {
  input: SessionsInput;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryStickinessArgs = {
  input: StickinessInput;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryTopValuesArgs = {
  input: TopValuesInput;
};


/**
 * Reports. Need a read token. Root fields are nullable, so that one failing report never nulls its neighbours; all reports of
 * one operation are answered as of the same moment.
 */
export type QueryTrendArgs = {
  input: TrendInput;
};

/**
 * Half-open: from <= t < to. Days, weeks, months, quarters and years are those of the timezone, daylight saving included.
 * One is required: from (and to, by default now), or last ("30d", "12w", "6M", "90m", "24h", "4q", "2y": that many whole units up to now,
 * the present one included).
 */
export type RangeInput = {
  readonly from?: InputMaybe<Scalars['DateTime']['input']>;
  readonly last?: InputMaybe<Scalars['String']['input']>;
  /** A name of the IANA time zone database: Europe/Berlin. */
  readonly timezone?: InputMaybe<Scalars['String']['input']>;
  readonly to?: InputMaybe<Scalars['DateTime']['input']>;
  /** The first day of weeks, for the interval WEEK and for last: "4w". */
  readonly weekStart?: InputMaybe<WeekStart>;
};

/** How old, how exact and how expensive an answer is. */
export type ReportMeta = {
  /** Every live event acknowledged before this moment is in the answer. Imported history comes when live events leave room; warnings say when some is on its way. */
  readonly asOf: Scalars['DateTime']['output'];
  readonly cachedBuckets: Scalars['Int']['output'];
  readonly computedBuckets: Scalars['Int']['output'];
  readonly consistency: Consistency;
  /** From the start of the operation to this report's answer, in milliseconds. */
  readonly elapsedMs: Scalars['Float']['output'];
  /** Largest relative error, where the answer is not exact. */
  readonly errorBound: Maybe<Scalars['Float']['output']>;
  readonly exact: Scalars['Boolean']['output'];
  /** Rows that they read. */
  readonly rowsRead: Scalars['Float']['output'];
  /** The same for every report of one operation. */
  readonly snapshot: Scalars['SnapshotToken']['output'];
  readonly source: ReportSource;
  /** ClickHouse statements that this whole operation ran for its answers. What is looked up once for many operations (positions, merges, names) is not among them. */
  readonly statements: Scalars['Int']['output'];
  /** What is odd but not wrong: a name that no event has, for example, with its place in the input and what it may have been meant to be. */
  readonly warnings: ReadonlyArray<Scalars['String']['output']>;
};

export type ReportSource =
  | 'CACHE'
  | 'PARTIAL_CACHE'
  | 'WAREHOUSE';

/** Example: `retention(input: { range: { last: "8w" }, interval: WEEK, cohortEvent: { event: "Signed Up" }, returnEvent: { event: "Order Completed" } }) { cohorts { start size rates complete } }` */
export type Retention = {
  /**
   * One for each interval of the range, in order, also when it is empty. With a breakdown, those of the value with the most members come first,
   * and those of all other values last.
   */
  readonly cohorts: ReadonlyArray<RetentionCohort>;
  readonly meta: ReportMeta;
  /**
   * The persons of a cell: members of the cohort that begins at this moment, who came back in that period (all members when it is left out). With a
   * breakdown, name the cohort's `breakdown`, or say isOther. `first` is at most 1,000. In an order that never changes. A cursor belongs to a snapshot: ask for the next page
   * with freshness.at of the first one's meta.snapshot.
   */
  readonly people: Maybe<RetentionPeople>;
};


/** Example: `retention(input: { range: { last: "8w" }, interval: WEEK, cohortEvent: { event: "Signed Up" }, returnEvent: { event: "Order Completed" } }) { cohorts { start size rates complete } }` */
export type RetentionPeopleArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  breakdown?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  cohort: Scalars['DateTime']['input'];
  first?: InputMaybe<Scalars['Int']['input']>;
  isOther?: InputMaybe<Scalars['Boolean']['input']>;
  period?: InputMaybe<Scalars['Int']['input']>;
};

export type RetentionCohort = {
  /** The value of the breakdown; empty without one. `(none)` stands for persons without the property, `(other)` for the rest. */
  readonly breakdown: ReadonlyArray<Scalars['String']['output']>;
  /**
   * Whether all intervals that the count is about were over at meta.asOf: ON, those of its period; ON_OR_AFTER, those of all periods from its own on.
   * A count that is not complete is that of so far, and can only grow.
   */
  readonly complete: ReadonlyArray<Scalars['Boolean']['output']>;
  /** Persons with a return event in the cohort's own interval (index 0), in the next (index 1), and so on; or in the period of each bracket. */
  readonly counts: ReadonlyArray<Scalars['Int']['output']>;
  /** True for the cohorts that all values beyond the limit share. */
  readonly isOther: Scalars['Boolean']['output'];
  /** counts divided by size; 0 for an empty cohort. null where the count is not complete, so that what is not over never looks like a drop. */
  readonly rates: ReadonlyArray<Maybe<Scalars['Float']['output']>>;
  /** Number of persons. */
  readonly size: Scalars['Int']['output'];
  readonly start: Scalars['DateTime']['output'];
};

export type RetentionInput = {
  /**
   * Periods of other lengths, in intervals: [1, 2, 4] makes three of them, of the cohort's own interval, the two after it and the four after
   * those. 1 to 100 brackets, at most 1,000 intervals in all. `periods` is not used then.
   */
  readonly brackets?: InputMaybe<ReadonlyArray<Scalars['Int']['input']>>;
  /**
   * Cohorts by interval and a property of the cohort event. A person has one value in all cohorts: that of the first cohort event that counts,
   * which is the first ever (FIRST_TIME) or the first of the range (RECURRING); of events of one instant, the smaller text, and none before all
   * texts. The `limit` values with the most members over all cohorts (ties: the smaller text first) get cohorts of their own.
   */
  readonly breakdown?: InputMaybe<BreakdownInput>;
  /** What makes a person a member; measure and property are not used. */
  readonly cohortEvent: SeriesInput;
  /** Holds for both events. */
  readonly filter?: InputMaybe<EventFilter>;
  readonly freshness?: InputMaybe<FreshnessInput>;
  /** HOUR, DAY, WEEK, MONTH, QUARTER or YEAR. At most 1,000 cohorts. */
  readonly interval?: InputMaybe<Interval>;
  readonly kind?: InputMaybe<RetentionKind>;
  readonly mode?: InputMaybe<RetentionMode>;
  /** Number of intervals, the cohort's own included; 1 to 100. */
  readonly periods?: InputMaybe<Scalars['Int']['input']>;
  /** Cohorts begin in it; returns may come later. */
  readonly range: RangeInput;
  /** What counts as coming back. */
  readonly returnEvent: SeriesInput;
};

export type RetentionKind =
  /** A person belongs to the interval of the first cohort event ever. */
  | 'FIRST_TIME'
  /** A person belongs to each interval with a cohort event. */
  | 'RECURRING';

export type RetentionMode =
  /** Came back in that period. */
  | 'ON'
  /** Came back in that period or any later one up to the last of the periods. */
  | 'ON_OR_AFTER';

export type RetentionPeople = {
  readonly edges: ReadonlyArray<RetentionPersonEdge>;
  readonly nodes: ReadonlyArray<RetentionPerson>;
  readonly pageInfo: PageInfo;
};

/** A person, by the ids of the events that the report looked at. */
export type RetentionPerson = {
  /** The smallest one, where there are several. */
  readonly anonymousId: Maybe<Scalars['ID']['output']>;
  /** The userId, or the anonymousId without one. */
  readonly id: Scalars['ID']['output'];
  /** The smallest one, where there are several. */
  readonly userId: Maybe<Scalars['ID']['output']>;
};

export type RetentionPersonEdge = {
  readonly cursor: Scalars['String']['output'];
  readonly node: RetentionPerson;
};

export type SaveCohortInput = {
  /** Makes it static as of this snapshot: a meta.snapshot of any report. */
  readonly at?: InputMaybe<Scalars['SnapshotToken']['input']>;
  /** At most 50 conditions and 128 KiB. */
  readonly definition: CohortDefinition;
  readonly description?: InputMaybe<Scalars['String']['input']>;
  /** The version that is to be replaced, 0 when there must be none: anything else is a CONFLICT. Replaces whatever is there when left out. */
  readonly expectedVersion?: InputMaybe<Scalars['Int']['input']>;
  /** Makes it static: whoever is a member now stays one, and nobody comes in. Also the cohorts that it is made of are frozen. */
  readonly freeze?: InputMaybe<Scalars['Boolean']['input']>;
  /** 1 to 100 characters; what filters call it. */
  readonly name: Scalars['String']['input'];
};

export type SaveReportInput = {
  readonly description?: InputMaybe<Scalars['String']['input']>;
  /**
   * A GraphQL document with one query on this schema, as
   * `query ($range: RangeInput = { last: "30d" }, $plan: JSONValue!) { trend(input: { range: $range, series: [{ filter: { property: "plan", value: $plan } }] }) { buckets } }`.
   * It is checked when it is saved. It has at most 20 root fields and 16,384 characters, and neither names a saved report nor a freshness:
   * that is given when it is run.
   */
  readonly document: Scalars['String']['input'];
  /** The version that is to be replaced, 0 when there must be none: anything else is a CONFLICT. Replaces whatever is there when left out. */
  readonly expectedVersion?: InputMaybe<Scalars['Int']['input']>;
  /** 1 to 100 characters. */
  readonly name: Scalars['String']['input'];
};

/** A report by name: a query with typed variables, that is run by `Query.savedReport`. */
export type SavedReport = {
  readonly description: Maybe<Scalars['String']['output']>;
  readonly document: Scalars['String']['output'];
  readonly name: Scalars['String']['output'];
  readonly savedAt: Scalars['DateTime']['output'];
  /** The public name of the credential that saved it. */
  readonly savedBy: Scalars['ID']['output'];
  /** What it takes, in its order. */
  readonly variables: ReadonlyArray<SavedReportVariable>;
  /** Goes up by one with every change, and with a deletion. */
  readonly version: Scalars['Int']['output'];
  /** The newest first, deletions included; below `before`. first is at most 100. */
  readonly versions: ReadonlyArray<SavedReportVersion>;
};


/** A report by name: a query with typed variables, that is run by `Query.savedReport`. */
export type SavedReportVersionsArgs = {
  before?: InputMaybe<Scalars['Int']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};

/**
 * What a saved report says. All reports of the operation, those of saved ones included, are of the same moment.
 * Example: `savedReport(name: "orders", variables: { range: { last: "7d" } }) { data version errors { message } meta { asOf } }`
 */
export type SavedReportAnswer = {
  /** As if its document had been sent. A report in it that failed is null. */
  readonly data: Scalars['JSONObject']['output'];
  /** Why they failed; empty when all is there. */
  readonly errors: ReadonlyArray<SavedReportError>;
  /** Of the operation: its moment and its cost. How each report came about stands in its own meta, when the document asks for it. */
  readonly meta: ReportMeta;
  readonly name: Scalars['String']['output'];
  /** The version that was run. */
  readonly version: Scalars['Int']['output'];
};

export type SavedReportError = {
  /** As extensions.code of any error. */
  readonly code: Scalars['String']['output'];
  readonly message: Scalars['String']['output'];
  /** Into data. */
  readonly path: ReadonlyArray<Scalars['String']['output']>;
  readonly retriable: Scalars['Boolean']['output'];
};

export type SavedReportVariable = {
  /** As GraphQL writes it; null without one. */
  readonly default: Maybe<Scalars['String']['output']>;
  readonly name: Scalars['String']['output'];
  /** Has to be given: it cannot be null and has no default. */
  readonly required: Scalars['Boolean']['output'];
  /** As GraphQL writes it: RangeInput!, [String!] */
  readonly type: Scalars['String']['output'];
};

export type SavedReportVersion = {
  readonly deleted: Scalars['Boolean']['output'];
  /** null of a deletion. */
  readonly document: Maybe<Scalars['String']['output']>;
  readonly savedAt: Scalars['DateTime']['output'];
  readonly savedBy: Scalars['ID']['output'];
  readonly version: Scalars['Int']['output'];
};

export type ScreenInput = {
  readonly anonymousId?: InputMaybe<Scalars['ID']['input']>;
  /** Becomes properties.category. */
  readonly category?: InputMaybe<Scalars['String']['input']>;
  readonly context?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly messageId?: InputMaybe<Scalars['ID']['input']>;
  /** Becomes properties.name. */
  readonly name?: InputMaybe<Scalars['String']['input']>;
  readonly properties?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly sentAt?: InputMaybe<Scalars['DateTime']['input']>;
  readonly timestamp?: InputMaybe<Scalars['DateTime']['input']>;
  readonly userId?: InputMaybe<Scalars['ID']['input']>;
};

export type SeriesInput = {
  /** Name of the event; all events when left out. */
  readonly event?: InputMaybe<Scalars['String']['input']>;
  readonly filter?: InputMaybe<EventFilter>;
  /** Default: the event's name. */
  readonly label?: InputMaybe<Scalars['String']['input']>;
  readonly measure?: InputMaybe<Measure>;
  /** What SUM, AVG, MIN, MAX and the percentiles measure; only numbers count. For UNIQUE_VALUES anything. */
  readonly property?: InputMaybe<Scalars['String']['input']>;
};

export type SessionFigures = {
  /** From the first event of a session to its last; 0 for a session of one event. Null without sessions, as the others here. */
  readonly averageSeconds: Maybe<Scalars['Float']['output']>;
  /** The part of sessions, between 0 and 1, with at most one page, screen or tracked event. identify, group and alias say who, and not what was done. */
  readonly bounceRate: Maybe<Scalars['Float']['output']>;
  readonly eventsPerSession: Maybe<Scalars['Float']['output']>;
  readonly medianSeconds: Maybe<Scalars['Float']['output']>;
  /** Persons who had at least one of them. */
  readonly persons: Scalars['Float']['output'];
  readonly sessions: Scalars['Float']['output'];
};

export type SessionSeries = {
  /** The value of the breakdown; empty without one. `(none)` stands for sessions without the property, `(other)` for the rest. */
  readonly breakdown: ReadonlyArray<Scalars['String']['output']>;
  /** As those of the report, of the sessions of this line. */
  readonly entryPages: ReadonlyArray<PageSessions>;
  readonly exitPages: ReadonlyArray<PageSessions>;
  /** True for the line that all values beyond the limit share. */
  readonly isOther: Scalars['Boolean']['output'];
  /** Of the whole range. */
  readonly total: SessionFigures;
  /** One for each bucket. */
  readonly values: ReadonlyArray<SessionFigures>;
};

/**
 * A session is a run of one person's events, of any type, with less than gapMinutes between each and the next. It is counted with its
 * first 24 hours: what comes later without a pause is neither in it nor in another one. Events shortly before the range and up to a
 * day after it are looked at, so that sessions at its edges are whole.
 * Example: `sessions(input: { range: { last: "7d" } }) { buckets series { total { sessions bounceRate medianSeconds } values { sessions } } entryPages { page sessions } }`
 */
export type Sessions = {
  /** Beginnings of the buckets, in order, none left out. */
  readonly buckets: ReadonlyArray<Scalars['DateTime']['output']>;
  /** The page of the first page event, over the whole range. Sessions without page events have none. */
  readonly entryPages: ReadonlyArray<PageSessions>;
  /** The page of the last page event. */
  readonly exitPages: ReadonlyArray<PageSessions>;
  readonly meta: ReportMeta;
  /** One line, or one for each value of the breakdown. */
  readonly series: ReadonlyArray<SessionSeries>;
};

export type SessionsInput = {
  /** By the value that the first event of a session has; of events of one instant the smaller text counts. The values with the most sessions get a line each. */
  readonly breakdown?: InputMaybe<BreakdownInput>;
  /** Sessions are made of these events only. */
  readonly filter?: InputMaybe<EventFilter>;
  readonly freshness?: InputMaybe<FreshnessInput>;
  /** So many minutes without an event, or more, end a session; 1 to 1,440. */
  readonly gapMinutes?: InputMaybe<Scalars['Int']['input']>;
  /** A session belongs to the bucket in which it starts. At most 10,000 buckets. */
  readonly interval?: InputMaybe<Interval>;
  /** How many entry and exit pages are listed, 0 to 1,000. */
  readonly pages?: InputMaybe<Scalars['Int']['input']>;
  /** A session is in the range when it starts in it. */
  readonly range: RangeInput;
};

/**
 * Counts persons by the number of intervals in which they were active.
 * Example: `stickiness(input: { range: { last: "4w" }, interval: WEEK, event: "Order Completed" }) { persons }`
 */
export type Stickiness = {
  readonly meta: ReportMeta;
  /** Persons who were active in exactly 1 of the range's intervals, in exactly 2, and so on; one number for each interval. */
  readonly persons: ReadonlyArray<Scalars['Int']['output']>;
};

export type StickinessInput = {
  /** What counts as being active; any event when left out. To compare several, ask for several reports in one operation. */
  readonly event?: InputMaybe<Scalars['String']['input']>;
  readonly filter?: InputMaybe<EventFilter>;
  readonly freshness?: InputMaybe<FreshnessInput>;
  /** At most 10,000 of them. */
  readonly interval?: InputMaybe<Interval>;
  readonly range: RangeInput;
};

/**
 * What goes on, told as it happens. Need a read token, and a connection that stays: graphql-transport-ws at /graphql, or server-sent
 * events from POST /graphql/stream.
 */
export type Subscription = {
  /** The project's events as they are stored, filtered; slow readers lose the oldest and are told how many. */
  readonly liveEvents: LiveEvents;
  /** A trend again, with only the buckets that changed. Takes no `freshness`, and at most 200,000 numbers (lines times buckets). */
  readonly trendChanges: TrendChange;
};


/**
 * What goes on, told as it happens. Need a read token, and a connection that stays: graphql-transport-ws at /graphql, or server-sent
 * events from POST /graphql/stream.
 */
export type SubscriptionLiveEventsArgs = {
  filter?: InputMaybe<EventFilter>;
};


/**
 * What goes on, told as it happens. Need a read token, and a connection that stays: graphql-transport-ws at /graphql, or server-sent
 * events from POST /graphql/stream.
 */
export type SubscriptionTrendChangesArgs = {
  input: TrendInput;
};

export type TopValue = {
  readonly events: Scalars['Float']['output'];
  /** True for the events without the property. */
  readonly isNone: Scalars['Boolean']['output'];
  /** True for all values beyond the limit together. */
  readonly isOther: Scalars['Boolean']['output'];
  /** Persons who did them, each once in an entry. */
  readonly persons: Scalars['Float']['output'];
  /** The part of all events, between 0 and 1. */
  readonly share: Scalars['Float']['output'];
  /** As text; `(none)` for events without the property, `(other)` for the rest. */
  readonly value: Scalars['String']['output'];
};

/** Example: `topValues(input: { range: { last: "30d" }, event: "Order Completed", property: "plan" }) { values { value events persons share } }` */
export type TopValues = {
  /** How many different values there are. */
  readonly distinct: Scalars['Float']['output'];
  /** Events, with the property or without. */
  readonly events: Scalars['Float']['output'];
  readonly meta: ReportMeta;
  readonly persons: Scalars['Float']['output'];
  /** The `limit` values with the most events (ties: the smaller text first), events without the property among them; all others share the last entry. */
  readonly values: ReadonlyArray<TopValue>;
};

export type TopValuesInput = {
  /** Name of the event; all events when left out. */
  readonly event?: InputMaybe<Scalars['String']['input']>;
  readonly filter?: InputMaybe<EventFilter>;
  readonly freshness?: InputMaybe<FreshnessInput>;
  /** 1 to 1,000. */
  readonly limit?: InputMaybe<Scalars['Int']['input']>;
  /** As filters and breakdowns name it: plan, context.page.url, $userId. */
  readonly property: Scalars['String']['input'];
  readonly range: RangeInput;
};

export type TrackBatchInput = {
  /** Merged under the context of each event, whose own fields win. */
  readonly context?: InputMaybe<Scalars['JSONObject']['input']>;
  readonly events: ReadonlyArray<EventInput>;
  /** HISTORY for events of the past: they are stored when live events leave room, so that an import never delays what happens now. */
  readonly lane?: InputMaybe<Lane>;
  /** For events that have no sentAt of their own. */
  readonly sentAt?: InputMaybe<Scalars['DateTime']['input']>;
};

export type TrackBatchPayload = {
  /** Number of results that are ACCEPTED. */
  readonly accepted: Scalars['Int']['output'];
  /** Number of all others: REJECTED, DEAD_LETTERED and RETRY. */
  readonly rejected: Scalars['Int']['output'];
  /** One for each event, in order. */
  readonly results: ReadonlyArray<EventResult>;
  /** Covers all events that the log took. */
  readonly token: Scalars['ConsistencyToken']['output'];
};

/** The fields that all events share are Segment's. userId or anonymousId must be there. An event may take up to 32 KB. */
export type TrackInput = {
  /** The person before you know it; up to 200 characters. */
  readonly anonymousId?: InputMaybe<Scalars['ID']['input']>;
  /** Where it happened: page, campaign, device, locale... */
  readonly context?: InputMaybe<Scalars['JSONObject']['input']>;
  /** Name of the event, 1 to 200 characters: Order Completed. */
  readonly event: Scalars['String']['input'];
  /** The idempotency key, up to 100 characters: the same messageId counts once. Made by the gateway when left out, but then a retry of yours makes another event. */
  readonly messageId?: InputMaybe<Scalars['ID']['input']>;
  /** What you want to filter by, break down by and sum up. */
  readonly properties?: InputMaybe<Scalars['JSONObject']['input']>;
  /** When the client sent it, by the same clock: the difference to our clock corrects timestamp. */
  readonly sentAt?: InputMaybe<Scalars['DateTime']['input']>;
  /** When it happened by the client's clock. Default: now. */
  readonly timestamp?: InputMaybe<Scalars['DateTime']['input']>;
  /** The person, as your own system knows it; up to 200 characters. */
  readonly userId?: InputMaybe<Scalars['ID']['input']>;
};

export type TrackPayload = {
  readonly result: EventResult;
  readonly token: Scalars['ConsistencyToken']['output'];
};

/**
 * Example: `trend(input: { range: { last: "30d" }, series: [{ event: "Order Completed" }] }) { buckets series { label values total } }`
 * Example: `trend(input: { range: { last: "4w" }, interval: WEEK, series: [{ event: "Order Completed", measure: UNIQUE_USERS }, { event: "Product Viewed", measure: UNIQUE_USERS }], formulas: ["A / B * 100"], breakdown: [{ property: "context.device.type", limit: 3 }], compareTo: { previousPeriod: true } }) { series { letter label breakdown values total previous { values total } } }`
 * Example: `trend(input: { range: { last: "6M", weekStart: SUNDAY }, interval: WEEK, series: [{ measure: WEEKLY_ACTIVE }, { measure: MONTHLY_ACTIVE }], formulas: ["A / B"], compareTo: { shift: "1y" } }) { series { label values total } }`
 * Example: `trend(input: { range: { last: "12M" }, interval: MONTH, cumulative: true, series: [{ event: "Order Completed", measure: UNIQUE_USERS }], breakdown: [{ property: "revenue", bins: { edges: [10, 100] } }, { property: "plan" }] }) { series { breakdown values total } }`
 */
export type Trend = {
  /** Beginnings of the buckets, in order, none left out. */
  readonly buckets: ReadonlyArray<Scalars['DateTime']['output']>;
  readonly meta: ReportMeta;
  /** The lines of series A, of B, and so on, then those of the formulas. Of one series: most events first, `(other)` last. */
  readonly series: ReadonlyArray<TrendSeries>;
};

export type TrendBucketChanges = {
  readonly buckets: ReadonlyArray<Scalars['DateTime']['output']>;
  readonly total: Maybe<Scalars['Float']['output']>;
  readonly values: ReadonlyArray<Maybe<Scalars['Float']['output']>>;
};

/**
 * What has to be put in place so that a reader has the trend as it is, to the digit: the answer of `trend` with `freshness: { at }` of the
 * snapshot in `meta`. The first message has everything. A slow reader is told the latest in one message instead of what came between.
 * Example: `subscription { trendChanges(input: { range: { last: "1h" }, interval: MINUTE, series: [{ event: "Order Completed" }] }) { isWhole buckets series { key letter label place buckets values total } gone { key } meta { asOf snapshot } } }`
 */
export type TrendChange = {
  /**
   * Beginnings of all buckets, in order, when they are others than in the message before: with time the first ones of `last: "1h"` go, and
   * new ones come. null when they are the same.
   */
  readonly buckets: Maybe<ReadonlyArray<Scalars['DateTime']['output']>>;
  /** Lines that are not there any more: with a breakdown, those of values that are not among the most frequent any more. */
  readonly gone: ReadonlyArray<TrendLineName>;
  /** True for the first message: nothing that was told before counts. Also for a reader who was so slow that it is told all again. */
  readonly isWhole: Scalars['Boolean']['output'];
  readonly meta: ReportMeta;
  /** The same of the time to compare with. null without compareTo, too. */
  readonly previousBuckets: Maybe<ReadonlyArray<Scalars['DateTime']['output']>>;
  /** Lines of which something has changed. */
  readonly series: ReadonlyArray<TrendLineChange>;
};

export type TrendInput = {
  /** Up to 3 of them: a line for each combination of values that occurs. */
  readonly breakdown?: InputMaybe<ReadonlyArray<BreakdownInput>>;
  /** Gives each line a second one, of an earlier time. */
  readonly compareTo?: InputMaybe<CompareInput>;
  /**
   * Each bucket's value is the measure of everything from the beginning of the range to the end of the bucket: a sum that grows, and for
   * unique counts, averages and percentiles what all these events together have (somebody who comes back is not counted again). Not
   * for WEEKLY_ACTIVE and MONTHLY_ACTIVE, which look back over days of their own.
   */
  readonly cumulative?: InputMaybe<Scalars['Boolean']['input']>;
  /** Holds for all series. */
  readonly filter?: InputMaybe<EventFilter>;
  /**
   * Up to 26 lines that are calculated from those of the series, which come before them: `A / B * 100`. Letters of series, numbers, + - * /,
   * parentheses and a minus in front. Null where an operand is null, and for a division by zero. A total is calculated from totals, and
   * not summed up. With a breakdown, formulas go line by line: see BreakdownInput.
   */
  readonly formulas?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  readonly freshness?: InputMaybe<FreshnessInput>;
  /** At most 10,000 buckets, and at most 5,000,000 numbers in an answer (lines times buckets). */
  readonly interval?: InputMaybe<Interval>;
  readonly range: RangeInput;
  /** 1 to 26 of them. The first is A, the next B, and so on. */
  readonly series: ReadonlyArray<SeriesInput>;
};

export type TrendLineChange = {
  readonly breakdown: ReadonlyArray<Scalars['String']['output']>;
  /** Beginnings of the buckets that are new or have changed; none when only the line's place or total has. */
  readonly buckets: ReadonlyArray<Scalars['DateTime']['output']>;
  readonly isOther: Scalars['Boolean']['output'];
  /** The same for as long as there is the line, and no other line's. */
  readonly key: Scalars['ID']['output'];
  readonly label: Scalars['String']['output'];
  /** As in TrendSeries. */
  readonly letter: Maybe<Scalars['String']['output']>;
  /** Where it stands among all lines, from 0. */
  readonly place: Scalars['Int']['output'];
  /** The same of the time to compare with; null when nothing has changed there, and without compareTo. */
  readonly previous: Maybe<TrendBucketChanges>;
  readonly total: Maybe<Scalars['Float']['output']>;
  /** One for each of these buckets. */
  readonly values: ReadonlyArray<Maybe<Scalars['Float']['output']>>;
};

export type TrendLineName = {
  readonly breakdown: ReadonlyArray<Scalars['String']['output']>;
  readonly isOther: Scalars['Boolean']['output'];
  readonly key: Scalars['ID']['output'];
  readonly label: Scalars['String']['output'];
  readonly letter: Maybe<Scalars['String']['output']>;
};

export type TrendSeries = {
  /** The value of each breakdown; empty without one. `(none)` stands for events without the property, `(other)` for the rest. */
  readonly breakdown: ReadonlyArray<Scalars['String']['output']>;
  /** True where one of the breakdowns stands for all values beyond its limit. */
  readonly isOther: Scalars['Boolean']['output'];
  /** The series' label; the formula. */
  readonly label: Scalars['String']['output'];
  /** A for the first series, B for the second; null for a formula. */
  readonly letter: Maybe<Scalars['String']['output']>;
  /** The same line in the time to compare with; null without compareTo. */
  readonly previous: Maybe<TrendSeriesComparison>;
  /** The measure over the whole range: not a sum of uniques. */
  readonly total: Maybe<Scalars['Float']['output']>;
  /** One for each bucket. Counts and sums of nothing are 0, every other measure of nothing is null. */
  readonly values: ReadonlyArray<Maybe<Scalars['Float']['output']>>;
};

export type TrendSeriesComparison = {
  /** Beginnings of its buckets. Where months or days are of different length these can be more or fewer than those of the range. */
  readonly buckets: ReadonlyArray<Scalars['DateTime']['output']>;
  readonly total: Maybe<Scalars['Float']['output']>;
  readonly values: ReadonlyArray<Maybe<Scalars['Float']['output']>>;
};

export type WeekStart =
  | 'FRIDAY'
  | 'MONDAY'
  | 'SATURDAY'
  | 'SUNDAY'
  | 'THURSDAY'
  | 'TUESDAY'
  | 'WEDNESDAY';



export type ResolverTypeWrapper<T> = T | Promise<T>;


export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;





/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  AliasInput: AliasInput;
  BinsInput: BinsInput;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  BreakdownInput: BreakdownInput;
  Catalog: ResolverTypeWrapper<Omit<Catalog, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  CatalogEvent: ResolverTypeWrapper<CatalogEvent>;
  CatalogProperty: ResolverTypeWrapper<CatalogProperty>;
  Cohort: ResolverTypeWrapper<CohortSource>;
  CohortBehaviour: CohortBehaviour;
  CohortDefinition: CohortDefinition;
  CohortPeople: ResolverTypeWrapper<CohortPeople>;
  CohortPerson: ResolverTypeWrapper<CohortPerson>;
  CohortPersonEdge: ResolverTypeWrapper<CohortPersonEdge>;
  CohortProperty: CohortProperty;
  CohortVersion: ResolverTypeWrapper<CohortVersion>;
  CompareInput: CompareInput;
  Consistency: Consistency;
  ConsistencyToken: ResolverTypeWrapper<Scalars['ConsistencyToken']['output']>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  DeadLetter: ResolverTypeWrapper<DeadLetter>;
  DeadLetterConnection: ResolverTypeWrapper<DeadLetterConnection>;
  DeadLetterEdge: ResolverTypeWrapper<DeadLetterEdge>;
  DeadLetterReason: ResolverTypeWrapper<DeadLetterReason>;
  Deletion: ResolverTypeWrapper<Deletion>;
  DeletionState: DeletionState;
  EntityReports: ResolverTypeWrapper<EntityReportsSource>;
  Event: ResolverTypeWrapper<Event>;
  EventConnection: ResolverTypeWrapper<Omit<EventConnection, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  EventEdge: ResolverTypeWrapper<EventEdge>;
  EventError: ResolverTypeWrapper<EventError>;
  EventErrorCode: EventErrorCode;
  EventFilter: EventFilter;
  EventInput: EventInput;
  EventOrder: EventOrder;
  EventResult: ResolverTypeWrapper<EventResult>;
  EventState: EventState;
  EventStatus: EventStatus;
  EventTrace: ResolverTypeWrapper<EventTrace>;
  EventType: EventType;
  FieldPrice: ResolverTypeWrapper<FieldPrice>;
  FilterOp: FilterOp;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  FreshnessInput: FreshnessInput;
  Funnel: ResolverTypeWrapper<FunnelSource>;
  FunnelAttribution: FunnelAttribution;
  FunnelBreakdown: ResolverTypeWrapper<FunnelBreakdownSource>;
  FunnelBreakdownInput: FunnelBreakdownInput;
  FunnelExclusionInput: FunnelExclusionInput;
  FunnelInput: FunnelInput;
  FunnelOrder: FunnelOrder;
  FunnelPeople: ResolverTypeWrapper<FunnelPeople>;
  FunnelPerson: ResolverTypeWrapper<FunnelPerson>;
  FunnelPersonEdge: ResolverTypeWrapper<FunnelPersonEdge>;
  FunnelStep: ResolverTypeWrapper<FunnelStepSource>;
  FunnelStepInput: FunnelStepInput;
  FunnelTrendPoint: ResolverTypeWrapper<FunnelTrendPoint>;
  GroupInput: GroupInput;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  IdentifyInput: IdentifyInput;
  Ingestion: ResolverTypeWrapper<IngestionSource>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  Interval: Interval;
  JSONObject: ResolverTypeWrapper<Scalars['JSONObject']['output']>;
  JSONValue: ResolverTypeWrapper<Scalars['JSONValue']['output']>;
  Lane: Lane;
  LedgerBucket: ResolverTypeWrapper<LedgerBucket>;
  LedgerCount: ResolverTypeWrapper<LedgerCount>;
  LedgerKey: ResolverTypeWrapper<LedgerKey>;
  Lifecycle: ResolverTypeWrapper<Omit<Lifecycle, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  LifecycleInput: LifecycleInput;
  Live: ResolverTypeWrapper<Omit<Live, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  LiveCounts: ResolverTypeWrapper<LiveCounts>;
  LiveEvents: ResolverTypeWrapper<LiveEvents>;
  LiveMinute: ResolverTypeWrapper<LiveMinute>;
  LiveName: ResolverTypeWrapper<LiveName>;
  Measure: Measure;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  PageInput: PageInput;
  PageSessions: ResolverTypeWrapper<PageSessions>;
  PartitionLag: ResolverTypeWrapper<PartitionLag>;
  PathLink: ResolverTypeWrapper<PathLink>;
  PathNode: ResolverTypeWrapper<PathNode>;
  PathRuleInput: PathRuleInput;
  Paths: ResolverTypeWrapper<Omit<Paths, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  PathsInput: PathsInput;
  Person: ResolverTypeWrapper<PersonSource>;
  PersonDeletion: ResolverTypeWrapper<PersonDeletion>;
  Price: ResolverTypeWrapper<Price>;
  PriceChange: ResolverTypeWrapper<PriceChange>;
  PriceSuggestion: ResolverTypeWrapper<PriceSuggestion>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  RangeInput: RangeInput;
  ReportMeta: ResolverTypeWrapper<ReportMetaSource>;
  ReportSource: ReportSource;
  Retention: ResolverTypeWrapper<RetentionSource>;
  RetentionCohort: ResolverTypeWrapper<RetentionCohort>;
  RetentionInput: RetentionInput;
  RetentionKind: RetentionKind;
  RetentionMode: RetentionMode;
  RetentionPeople: ResolverTypeWrapper<RetentionPeople>;
  RetentionPerson: ResolverTypeWrapper<RetentionPerson>;
  RetentionPersonEdge: ResolverTypeWrapper<RetentionPersonEdge>;
  SaveCohortInput: SaveCohortInput;
  SaveReportInput: SaveReportInput;
  SavedReport: ResolverTypeWrapper<SavedReportSource>;
  SavedReportAnswer: ResolverTypeWrapper<Omit<SavedReportAnswer, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  SavedReportError: ResolverTypeWrapper<SavedReportError>;
  SavedReportVariable: ResolverTypeWrapper<SavedReportVariable>;
  SavedReportVersion: ResolverTypeWrapper<SavedReportVersion>;
  ScreenInput: ScreenInput;
  SeriesInput: SeriesInput;
  SessionFigures: ResolverTypeWrapper<SessionFigures>;
  SessionSeries: ResolverTypeWrapper<SessionSeries>;
  Sessions: ResolverTypeWrapper<Omit<Sessions, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  SessionsInput: SessionsInput;
  SnapshotToken: ResolverTypeWrapper<Scalars['SnapshotToken']['output']>;
  Stickiness: ResolverTypeWrapper<Omit<Stickiness, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  StickinessInput: StickinessInput;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  TopValue: ResolverTypeWrapper<TopValue>;
  TopValues: ResolverTypeWrapper<Omit<TopValues, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  TopValuesInput: TopValuesInput;
  TrackBatchInput: TrackBatchInput;
  TrackBatchPayload: ResolverTypeWrapper<TrackBatchPayload>;
  TrackInput: TrackInput;
  TrackPayload: ResolverTypeWrapper<TrackPayload>;
  Trend: ResolverTypeWrapper<Omit<Trend, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  TrendBucketChanges: ResolverTypeWrapper<TrendBucketChanges>;
  TrendChange: ResolverTypeWrapper<Omit<TrendChange, 'meta'> & { meta: ResolversTypes['ReportMeta'] }>;
  TrendInput: TrendInput;
  TrendLineChange: ResolverTypeWrapper<TrendLineChange>;
  TrendLineName: ResolverTypeWrapper<TrendLineName>;
  TrendSeries: ResolverTypeWrapper<TrendSeries>;
  TrendSeriesComparison: ResolverTypeWrapper<TrendSeriesComparison>;
  WeekStart: WeekStart;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  AliasInput: AliasInput;
  BinsInput: BinsInput;
  Boolean: Scalars['Boolean']['output'];
  BreakdownInput: BreakdownInput;
  Catalog: Omit<Catalog, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  CatalogEvent: CatalogEvent;
  CatalogProperty: CatalogProperty;
  Cohort: CohortSource;
  CohortBehaviour: CohortBehaviour;
  CohortDefinition: CohortDefinition;
  CohortPeople: CohortPeople;
  CohortPerson: CohortPerson;
  CohortPersonEdge: CohortPersonEdge;
  CohortProperty: CohortProperty;
  CohortVersion: CohortVersion;
  CompareInput: CompareInput;
  ConsistencyToken: Scalars['ConsistencyToken']['output'];
  DateTime: Scalars['DateTime']['output'];
  DeadLetter: DeadLetter;
  DeadLetterConnection: DeadLetterConnection;
  DeadLetterEdge: DeadLetterEdge;
  DeadLetterReason: DeadLetterReason;
  Deletion: Deletion;
  EntityReports: EntityReportsSource;
  Event: Event;
  EventConnection: Omit<EventConnection, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  EventEdge: EventEdge;
  EventError: EventError;
  EventFilter: EventFilter;
  EventInput: EventInput;
  EventResult: EventResult;
  EventTrace: EventTrace;
  FieldPrice: FieldPrice;
  Float: Scalars['Float']['output'];
  FreshnessInput: FreshnessInput;
  Funnel: FunnelSource;
  FunnelBreakdown: FunnelBreakdownSource;
  FunnelBreakdownInput: FunnelBreakdownInput;
  FunnelExclusionInput: FunnelExclusionInput;
  FunnelInput: FunnelInput;
  FunnelPeople: FunnelPeople;
  FunnelPerson: FunnelPerson;
  FunnelPersonEdge: FunnelPersonEdge;
  FunnelStep: FunnelStepSource;
  FunnelStepInput: FunnelStepInput;
  FunnelTrendPoint: FunnelTrendPoint;
  GroupInput: GroupInput;
  ID: Scalars['ID']['output'];
  IdentifyInput: IdentifyInput;
  Ingestion: IngestionSource;
  Int: Scalars['Int']['output'];
  JSONObject: Scalars['JSONObject']['output'];
  JSONValue: Scalars['JSONValue']['output'];
  LedgerBucket: LedgerBucket;
  LedgerCount: LedgerCount;
  LedgerKey: LedgerKey;
  Lifecycle: Omit<Lifecycle, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  LifecycleInput: LifecycleInput;
  Live: Omit<Live, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  LiveCounts: LiveCounts;
  LiveEvents: LiveEvents;
  LiveMinute: LiveMinute;
  LiveName: LiveName;
  Mutation: Record<PropertyKey, never>;
  PageInfo: PageInfo;
  PageInput: PageInput;
  PageSessions: PageSessions;
  PartitionLag: PartitionLag;
  PathLink: PathLink;
  PathNode: PathNode;
  PathRuleInput: PathRuleInput;
  Paths: Omit<Paths, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  PathsInput: PathsInput;
  Person: PersonSource;
  PersonDeletion: PersonDeletion;
  Price: Price;
  PriceChange: PriceChange;
  PriceSuggestion: PriceSuggestion;
  Query: Record<PropertyKey, never>;
  RangeInput: RangeInput;
  ReportMeta: ReportMetaSource;
  Retention: RetentionSource;
  RetentionCohort: RetentionCohort;
  RetentionInput: RetentionInput;
  RetentionPeople: RetentionPeople;
  RetentionPerson: RetentionPerson;
  RetentionPersonEdge: RetentionPersonEdge;
  SaveCohortInput: SaveCohortInput;
  SaveReportInput: SaveReportInput;
  SavedReport: SavedReportSource;
  SavedReportAnswer: Omit<SavedReportAnswer, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  SavedReportError: SavedReportError;
  SavedReportVariable: SavedReportVariable;
  SavedReportVersion: SavedReportVersion;
  ScreenInput: ScreenInput;
  SeriesInput: SeriesInput;
  SessionFigures: SessionFigures;
  SessionSeries: SessionSeries;
  Sessions: Omit<Sessions, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  SessionsInput: SessionsInput;
  SnapshotToken: Scalars['SnapshotToken']['output'];
  Stickiness: Omit<Stickiness, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  StickinessInput: StickinessInput;
  String: Scalars['String']['output'];
  Subscription: Record<PropertyKey, never>;
  TopValue: TopValue;
  TopValues: Omit<TopValues, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  TopValuesInput: TopValuesInput;
  TrackBatchInput: TrackBatchInput;
  TrackBatchPayload: TrackBatchPayload;
  TrackInput: TrackInput;
  TrackPayload: TrackPayload;
  Trend: Omit<Trend, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  TrendBucketChanges: TrendBucketChanges;
  TrendChange: Omit<TrendChange, 'meta'> & { meta: ResolversParentTypes['ReportMeta'] };
  TrendInput: TrendInput;
  TrendLineChange: TrendLineChange;
  TrendLineName: TrendLineName;
  TrendSeries: TrendSeries;
  TrendSeriesComparison: TrendSeriesComparison;
};

export type CatalogResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Catalog'] = ResolversParentTypes['Catalog']> = {
  events?: Resolver<ReadonlyArray<ResolversTypes['CatalogEvent']>, ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
};

export type CatalogEventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CatalogEvent'] = ResolversParentTypes['CatalogEvent']> = {
  count?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  event?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  firstSeen?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastSeen?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  properties?: Resolver<ReadonlyArray<ResolversTypes['CatalogProperty']>, ParentType, ContextType>;
  type?: Resolver<ResolversTypes['EventType'], ParentType, ContextType>;
};

export type CatalogPropertyResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CatalogProperty'] = ResolversParentTypes['CatalogProperty']> = {
  count?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  types?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
};

export type CohortResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Cohort'] = ResolversParentTypes['Cohort']> = {
  definition?: Resolver<ResolversTypes['JSONObject'], ParentType, ContextType>;
  description?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  frozenAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  isStatic?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  people?: Resolver<ResolversTypes['CohortPeople'], ParentType, ContextType, RequireFields<CohortPeopleArgs, 'first'>>;
  savedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  savedBy?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  size?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  version?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  versions?: Resolver<ReadonlyArray<ResolversTypes['CohortVersion']>, ParentType, ContextType, RequireFields<CohortVersionsArgs, 'first'>>;
};

export type CohortPeopleResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CohortPeople'] = ResolversParentTypes['CohortPeople']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['CohortPersonEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['CohortPerson']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type CohortPersonResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CohortPerson'] = ResolversParentTypes['CohortPerson']> = {
  anonymousId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  userId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type CohortPersonEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CohortPersonEdge'] = ResolversParentTypes['CohortPersonEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['CohortPerson'], ParentType, ContextType>;
};

export type CohortVersionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CohortVersion'] = ResolversParentTypes['CohortVersion']> = {
  definition?: Resolver<Maybe<ResolversTypes['JSONObject']>, ParentType, ContextType>;
  deleted?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  savedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  savedBy?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  version?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export interface ConsistencyTokenScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['ConsistencyToken'], any> {
  name: 'ConsistencyToken';
}

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type DeadLetterResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DeadLetter'] = ResolversParentTypes['DeadLetter']> = {
  messageId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  reason?: Resolver<ResolversTypes['DeadLetterReason'], ParentType, ContextType>;
  receivedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  record?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type DeadLetterConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DeadLetterConnection'] = ResolversParentTypes['DeadLetterConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['DeadLetterEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['DeadLetter']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type DeadLetterEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DeadLetterEdge'] = ResolversParentTypes['DeadLetterEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['DeadLetter'], ParentType, ContextType>;
};

export type DeadLetterReasonResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DeadLetterReason'] = ResolversParentTypes['DeadLetterReason']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type DeletionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Deletion'] = ResolversParentTypes['Deletion']> = {
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  version?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type EntityReportsResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EntityReports'] = ResolversParentTypes['EntityReports']> = {
  funnel?: Resolver<Maybe<ResolversTypes['Funnel']>, ParentType, ContextType, RequireFields<EntityReportsFunnelArgs, 'input'>>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  topValues?: Resolver<Maybe<ResolversTypes['TopValues']>, ParentType, ContextType, RequireFields<EntityReportsTopValuesArgs, 'input'>>;
  trend?: Resolver<Maybe<ResolversTypes['Trend']>, ParentType, ContextType, RequireFields<EntityReportsTrendArgs, 'input'>>;
};

export type EventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Event'] = ResolversParentTypes['Event']> = {
  anonymousId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  context?: Resolver<ResolversTypes['JSONObject'], ParentType, ContextType>;
  event?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  groupId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  messageId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  originalTimestamp?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  person?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  previousId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  properties?: Resolver<ResolversTypes['JSONObject'], ParentType, ContextType>;
  receivedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  sentAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  timestamp?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  traits?: Resolver<ResolversTypes['JSONObject'], ParentType, ContextType>;
  type?: Resolver<ResolversTypes['EventType'], ParentType, ContextType>;
  userId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type EventConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventConnection'] = ResolversParentTypes['EventConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['EventEdge']>, ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['Event']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type EventEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventEdge'] = ResolversParentTypes['EventEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Event'], ParentType, ContextType>;
};

export type EventErrorResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventError'] = ResolversParentTypes['EventError']> = {
  code?: Resolver<ResolversTypes['EventErrorCode'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  path?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
};

export type EventResultResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventResult'] = ResolversParentTypes['EventResult']> = {
  errors?: Resolver<ReadonlyArray<ResolversTypes['EventError']>, ParentType, ContextType>;
  index?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  messageId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['EventStatus'], ParentType, ContextType>;
};

export type EventTraceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventTrace'] = ResolversParentTypes['EventTrace']> = {
  conflicts?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  deduplicated?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  messageId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  reason?: Resolver<Maybe<ResolversTypes['DeadLetterReason']>, ParentType, ContextType>;
  receivedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  state?: Resolver<ResolversTypes['EventState'], ParentType, ContextType>;
};

export type FieldPriceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['FieldPrice'] = ResolversParentTypes['FieldPrice']> = {
  path?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  price?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  rows?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  why?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
};

export type FunnelResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Funnel'] = ResolversParentTypes['Funnel']> = {
  breakdown?: Resolver<Maybe<ReadonlyArray<ResolversTypes['FunnelBreakdown']>>, ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  steps?: Resolver<ReadonlyArray<ResolversTypes['FunnelStep']>, ParentType, ContextType>;
  trend?: Resolver<ReadonlyArray<ResolversTypes['FunnelTrendPoint']>, ParentType, ContextType, RequireFields<FunnelTrendArgs, 'interval'>>;
};

export type FunnelBreakdownResolvers<ContextType = Context, ParentType extends ResolversParentTypes['FunnelBreakdown'] = ResolversParentTypes['FunnelBreakdown']> = {
  isOther?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  steps?: Resolver<ReadonlyArray<ResolversTypes['FunnelStep']>, ParentType, ContextType>;
  value?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type FunnelPeopleResolvers<ContextType = Context, ParentType extends ResolversParentTypes['FunnelPeople'] = ResolversParentTypes['FunnelPeople']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['FunnelPersonEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['FunnelPerson']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type FunnelPersonResolvers<ContextType = Context, ParentType extends ResolversParentTypes['FunnelPerson'] = ResolversParentTypes['FunnelPerson']> = {
  anonymousId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  userId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type FunnelPersonEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['FunnelPersonEdge'] = ResolversParentTypes['FunnelPersonEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['FunnelPerson'], ParentType, ContextType>;
};

export type FunnelStepResolvers<ContextType = Context, ParentType extends ResolversParentTypes['FunnelStep'] = ResolversParentTypes['FunnelStep']> = {
  conversionFromPrevious?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  conversionFromStart?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  count?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  droppedOff?: Resolver<ResolversTypes['FunnelPeople'], ParentType, ContextType, RequireFields<FunnelStepDroppedOffArgs, 'first'>>;
  event?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  medianSecondsFromPrevious?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  medianSecondsFromStart?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  p90SecondsFromPrevious?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  p90SecondsFromStart?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  people?: Resolver<ResolversTypes['FunnelPeople'], ParentType, ContextType, RequireFields<FunnelStepPeopleArgs, 'first'>>;
};

export type FunnelTrendPointResolvers<ContextType = Context, ParentType extends ResolversParentTypes['FunnelTrendPoint'] = ResolversParentTypes['FunnelTrendPoint']> = {
  conversion?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  counts?: Resolver<ReadonlyArray<ResolversTypes['Int']>, ParentType, ContextType>;
  start?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type IngestionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Ingestion'] = ResolversParentTypes['Ingestion']> = {
  asOf?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  dedupWindowHours?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  lag?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  ledger?: Resolver<ReadonlyArray<ResolversTypes['LedgerBucket']>, ParentType, ContextType, RequireFields<IngestionLedgerArgs, 'by' | 'range'>>;
  partitions?: Resolver<ReadonlyArray<ResolversTypes['PartitionLag']>, ParentType, ContextType>;
};

export interface JsonObjectScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSONObject'], any> {
  name: 'JSONObject';
}

export interface JsonValueScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSONValue'], any> {
  name: 'JSONValue';
}

export type LedgerBucketResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LedgerBucket'] = ResolversParentTypes['LedgerBucket']> = {
  accepted?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  balanced?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  byKey?: Resolver<ReadonlyArray<ResolversTypes['LedgerKey']>, ParentType, ContextType>;
  conflicting?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  deadLettered?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  deduplicated?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  deleted?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  dropped?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  inFlight?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  incomplete?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  received?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  rejected?: Resolver<ReadonlyArray<ResolversTypes['LedgerCount']>, ParentType, ContextType>;
  retried?: Resolver<ReadonlyArray<ResolversTypes['LedgerCount']>, ParentType, ContextType>;
  start?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  stored?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type LedgerCountResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LedgerCount'] = ResolversParentTypes['LedgerCount']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  count?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type LedgerKeyResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LedgerKey'] = ResolversParentTypes['LedgerKey']> = {
  accepted?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  conflicting?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  deadLettered?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  deduplicated?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  deleted?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  dropped?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  inFlight?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  keyId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  received?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  rejected?: Resolver<ReadonlyArray<ResolversTypes['LedgerCount']>, ParentType, ContextType>;
  retried?: Resolver<ReadonlyArray<ResolversTypes['LedgerCount']>, ParentType, ContextType>;
  stored?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type LifecycleResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Lifecycle'] = ResolversParentTypes['Lifecycle']> = {
  buckets?: Resolver<ReadonlyArray<ResolversTypes['DateTime']>, ParentType, ContextType>;
  complete?: Resolver<ReadonlyArray<ResolversTypes['Boolean']>, ParentType, ContextType>;
  dormant?: Resolver<ReadonlyArray<ResolversTypes['Int']>, ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  new?: Resolver<ReadonlyArray<ResolversTypes['Int']>, ParentType, ContextType>;
  resurrecting?: Resolver<ReadonlyArray<ResolversTypes['Int']>, ParentType, ContextType>;
  returning?: Resolver<ReadonlyArray<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type LiveResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Live'] = ResolversParentTypes['Live']> = {
  last5Minutes?: Resolver<ResolversTypes['LiveCounts'], ParentType, ContextType>;
  last30Minutes?: Resolver<ResolversTypes['LiveCounts'], ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  minutes?: Resolver<ReadonlyArray<ResolversTypes['LiveMinute']>, ParentType, ContextType>;
  now?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  topEvents?: Resolver<ReadonlyArray<ResolversTypes['LiveName']>, ParentType, ContextType>;
  topPages?: Resolver<ReadonlyArray<ResolversTypes['LiveName']>, ParentType, ContextType>;
};

export type LiveCountsResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LiveCounts'] = ResolversParentTypes['LiveCounts']> = {
  events?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  persons?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type LiveEventsResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LiveEvents'] = ResolversParentTypes['LiveEvents']> = {
  asOf?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  events?: Resolver<ReadonlyArray<ResolversTypes['Event']>, ParentType, ContextType>;
  lost?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  snapshot?: Resolver<ResolversTypes['SnapshotToken'], ParentType, ContextType>;
};

export type LiveMinuteResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LiveMinute'] = ResolversParentTypes['LiveMinute']> = {
  events?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  persons?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  start?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type LiveNameResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LiveName'] = ResolversParentTypes['LiveName']> = {
  events?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  persons?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type MutationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  alias?: Resolver<Maybe<ResolversTypes['TrackPayload']>, ParentType, ContextType, RequireFields<MutationAliasArgs, 'input'>>;
  deleteCohort?: Resolver<Maybe<ResolversTypes['Deletion']>, ParentType, ContextType, RequireFields<MutationDeleteCohortArgs, 'name'>>;
  deletePerson?: Resolver<Maybe<ResolversTypes['PersonDeletion']>, ParentType, ContextType, RequireFields<MutationDeletePersonArgs, 'id'>>;
  deleteReport?: Resolver<Maybe<ResolversTypes['Deletion']>, ParentType, ContextType, RequireFields<MutationDeleteReportArgs, 'name'>>;
  group?: Resolver<Maybe<ResolversTypes['TrackPayload']>, ParentType, ContextType, RequireFields<MutationGroupArgs, 'input'>>;
  identify?: Resolver<Maybe<ResolversTypes['TrackPayload']>, ParentType, ContextType, RequireFields<MutationIdentifyArgs, 'input'>>;
  page?: Resolver<Maybe<ResolversTypes['TrackPayload']>, ParentType, ContextType, RequireFields<MutationPageArgs, 'input'>>;
  saveCohort?: Resolver<Maybe<ResolversTypes['Cohort']>, ParentType, ContextType, RequireFields<MutationSaveCohortArgs, 'input'>>;
  saveReport?: Resolver<Maybe<ResolversTypes['SavedReport']>, ParentType, ContextType, RequireFields<MutationSaveReportArgs, 'input'>>;
  screen?: Resolver<Maybe<ResolversTypes['TrackPayload']>, ParentType, ContextType, RequireFields<MutationScreenArgs, 'input'>>;
  track?: Resolver<Maybe<ResolversTypes['TrackPayload']>, ParentType, ContextType, RequireFields<MutationTrackArgs, 'input'>>;
  trackBatch?: Resolver<Maybe<ResolversTypes['TrackBatchPayload']>, ParentType, ContextType, RequireFields<MutationTrackBatchArgs, 'input'>>;
};

export type PageInfoResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type PageSessionsResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageSessions'] = ResolversParentTypes['PageSessions']> = {
  isOther?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  page?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  sessions?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type PartitionLagResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PartitionLag'] = ResolversParentTypes['PartitionLag']> = {
  lag?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  lane?: Resolver<ResolversTypes['Lane'], ParentType, ContextType>;
  partition?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type PathLinkResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PathLink'] = ResolversParentTypes['PathLink']> = {
  from?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  persons?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  sessions?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  step?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  to?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type PathNodeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PathNode'] = ResolversParentTypes['PathNode']> = {
  began?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  ended?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  persons?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  sessions?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  step?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type PathsResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Paths'] = ResolversParentTypes['Paths']> = {
  links?: Resolver<ReadonlyArray<ResolversTypes['PathLink']>, ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['PathNode']>, ParentType, ContextType>;
  persons?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  sessions?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type PersonResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Person'] = ResolversParentTypes['Person']> = {
  anonymousIds?: Resolver<ReadonlyArray<ResolversTypes['ID']>, ParentType, ContextType>;
  eventCount?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  events?: Resolver<Maybe<ResolversTypes['EventConnection']>, ParentType, ContextType, RequireFields<PersonEventsArgs, 'first' | 'order' | 'range'>>;
  firstSeen?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastSeen?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  traits?: Resolver<ResolversTypes['JSONObject'], ParentType, ContextType>;
  userIds?: Resolver<ReadonlyArray<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type PersonDeletionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PersonDeletion'] = ResolversParentTypes['PersonDeletion']> = {
  deadLetters?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  events?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  finishedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  ids?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  requestedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['DeletionState'], ParentType, ContextType>;
};

export type PriceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Price'] = ResolversParentTypes['Price']> = {
  budget?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  fields?: Resolver<ReadonlyArray<ResolversTypes['FieldPrice']>, ParentType, ContextType>;
  fits?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  suggestions?: Resolver<ReadonlyArray<ResolversTypes['PriceSuggestion']>, ParentType, ContextType>;
  total?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type PriceChangeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PriceChange'] = ResolversParentTypes['PriceChange']> = {
  from?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  interval?: Resolver<Maybe<ResolversTypes['Interval']>, ParentType, ContextType>;
  last?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  path?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
};

export type PriceSuggestionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PriceSuggestion'] = ResolversParentTypes['PriceSuggestion']> = {
  changes?: Resolver<ReadonlyArray<ResolversTypes['PriceChange']>, ParentType, ContextType>;
  price?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  text?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type QueryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  catalog?: Resolver<Maybe<ResolversTypes['Catalog']>, ParentType, ContextType, Partial<QueryCatalogArgs>>;
  cohort?: Resolver<Maybe<ResolversTypes['Cohort']>, ParentType, ContextType, RequireFields<QueryCohortArgs, 'name'>>;
  cohorts?: Resolver<Maybe<ReadonlyArray<ResolversTypes['Cohort']>>, ParentType, ContextType, Partial<QueryCohortsArgs>>;
  deadLetters?: Resolver<Maybe<ResolversTypes['DeadLetterConnection']>, ParentType, ContextType, RequireFields<QueryDeadLettersArgs, 'first'>>;
  deletion?: Resolver<Maybe<ResolversTypes['PersonDeletion']>, ParentType, ContextType, RequireFields<QueryDeletionArgs, 'id'>>;
  deletions?: Resolver<Maybe<ReadonlyArray<ResolversTypes['PersonDeletion']>>, ParentType, ContextType, RequireFields<QueryDeletionsArgs, 'first'>>;
  entityReports?: Resolver<Maybe<ReadonlyArray<ResolversTypes['EntityReports']>>, ParentType, ContextType, RequireFields<QueryEntityReportsArgs, 'ids' | 'property'>>;
  eventStatus?: Resolver<Maybe<ReadonlyArray<ResolversTypes['EventTrace']>>, ParentType, ContextType, RequireFields<QueryEventStatusArgs, 'messageIds'>>;
  events?: Resolver<Maybe<ResolversTypes['EventConnection']>, ParentType, ContextType, RequireFields<QueryEventsArgs, 'first' | 'order' | 'range'>>;
  funnel?: Resolver<Maybe<ResolversTypes['Funnel']>, ParentType, ContextType, RequireFields<QueryFunnelArgs, 'input'>>;
  ingestion?: Resolver<Maybe<ResolversTypes['Ingestion']>, ParentType, ContextType>;
  lifecycle?: Resolver<Maybe<ResolversTypes['Lifecycle']>, ParentType, ContextType, RequireFields<QueryLifecycleArgs, 'input'>>;
  live?: Resolver<Maybe<ResolversTypes['Live']>, ParentType, ContextType, RequireFields<QueryLiveArgs, 'limit'>>;
  paths?: Resolver<Maybe<ResolversTypes['Paths']>, ParentType, ContextType, RequireFields<QueryPathsArgs, 'input'>>;
  person?: Resolver<Maybe<ResolversTypes['Person']>, ParentType, ContextType, RequireFields<QueryPersonArgs, 'id'>>;
  priceOf?: Resolver<Maybe<ResolversTypes['Price']>, ParentType, ContextType, RequireFields<QueryPriceOfArgs, 'query'>>;
  retention?: Resolver<Maybe<ResolversTypes['Retention']>, ParentType, ContextType, RequireFields<QueryRetentionArgs, 'input'>>;
  savedReport?: Resolver<Maybe<ResolversTypes['SavedReportAnswer']>, ParentType, ContextType, RequireFields<QuerySavedReportArgs, 'name'>>;
  savedReports?: Resolver<Maybe<ReadonlyArray<ResolversTypes['SavedReport']>>, ParentType, ContextType>;
  sessions?: Resolver<Maybe<ResolversTypes['Sessions']>, ParentType, ContextType, RequireFields<QuerySessionsArgs, 'input'>>;
  stickiness?: Resolver<Maybe<ResolversTypes['Stickiness']>, ParentType, ContextType, RequireFields<QueryStickinessArgs, 'input'>>;
  topValues?: Resolver<Maybe<ResolversTypes['TopValues']>, ParentType, ContextType, RequireFields<QueryTopValuesArgs, 'input'>>;
  trend?: Resolver<Maybe<ResolversTypes['Trend']>, ParentType, ContextType, RequireFields<QueryTrendArgs, 'input'>>;
};

export type ReportMetaResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ReportMeta'] = ResolversParentTypes['ReportMeta']> = {
  asOf?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  cachedBuckets?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  computedBuckets?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  consistency?: Resolver<ResolversTypes['Consistency'], ParentType, ContextType>;
  elapsedMs?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  errorBound?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  exact?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  rowsRead?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  snapshot?: Resolver<ResolversTypes['SnapshotToken'], ParentType, ContextType>;
  source?: Resolver<ResolversTypes['ReportSource'], ParentType, ContextType>;
  statements?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  warnings?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
};

export type RetentionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Retention'] = ResolversParentTypes['Retention']> = {
  cohorts?: Resolver<ReadonlyArray<ResolversTypes['RetentionCohort']>, ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  people?: Resolver<Maybe<ResolversTypes['RetentionPeople']>, ParentType, ContextType, RequireFields<RetentionPeopleArgs, 'cohort' | 'first' | 'isOther'>>;
};

export type RetentionCohortResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RetentionCohort'] = ResolversParentTypes['RetentionCohort']> = {
  breakdown?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  complete?: Resolver<ReadonlyArray<ResolversTypes['Boolean']>, ParentType, ContextType>;
  counts?: Resolver<ReadonlyArray<ResolversTypes['Int']>, ParentType, ContextType>;
  isOther?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  rates?: Resolver<ReadonlyArray<Maybe<ResolversTypes['Float']>>, ParentType, ContextType>;
  size?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  start?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type RetentionPeopleResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RetentionPeople'] = ResolversParentTypes['RetentionPeople']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['RetentionPersonEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['RetentionPerson']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type RetentionPersonResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RetentionPerson'] = ResolversParentTypes['RetentionPerson']> = {
  anonymousId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  userId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type RetentionPersonEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RetentionPersonEdge'] = ResolversParentTypes['RetentionPersonEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['RetentionPerson'], ParentType, ContextType>;
};

export type SavedReportResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SavedReport'] = ResolversParentTypes['SavedReport']> = {
  description?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  document?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  savedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  savedBy?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  variables?: Resolver<ReadonlyArray<ResolversTypes['SavedReportVariable']>, ParentType, ContextType>;
  version?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  versions?: Resolver<ReadonlyArray<ResolversTypes['SavedReportVersion']>, ParentType, ContextType, RequireFields<SavedReportVersionsArgs, 'first'>>;
};

export type SavedReportAnswerResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SavedReportAnswer'] = ResolversParentTypes['SavedReportAnswer']> = {
  data?: Resolver<ResolversTypes['JSONObject'], ParentType, ContextType>;
  errors?: Resolver<ReadonlyArray<ResolversTypes['SavedReportError']>, ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  version?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type SavedReportErrorResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SavedReportError'] = ResolversParentTypes['SavedReportError']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  path?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  retriable?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
};

export type SavedReportVariableResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SavedReportVariable'] = ResolversParentTypes['SavedReportVariable']> = {
  default?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  required?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  type?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type SavedReportVersionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SavedReportVersion'] = ResolversParentTypes['SavedReportVersion']> = {
  deleted?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  document?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  savedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  savedBy?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  version?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type SessionFiguresResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SessionFigures'] = ResolversParentTypes['SessionFigures']> = {
  averageSeconds?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  bounceRate?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  eventsPerSession?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  medianSeconds?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  persons?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  sessions?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type SessionSeriesResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SessionSeries'] = ResolversParentTypes['SessionSeries']> = {
  breakdown?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  entryPages?: Resolver<ReadonlyArray<ResolversTypes['PageSessions']>, ParentType, ContextType>;
  exitPages?: Resolver<ReadonlyArray<ResolversTypes['PageSessions']>, ParentType, ContextType>;
  isOther?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  total?: Resolver<ResolversTypes['SessionFigures'], ParentType, ContextType>;
  values?: Resolver<ReadonlyArray<ResolversTypes['SessionFigures']>, ParentType, ContextType>;
};

export type SessionsResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Sessions'] = ResolversParentTypes['Sessions']> = {
  buckets?: Resolver<ReadonlyArray<ResolversTypes['DateTime']>, ParentType, ContextType>;
  entryPages?: Resolver<ReadonlyArray<ResolversTypes['PageSessions']>, ParentType, ContextType>;
  exitPages?: Resolver<ReadonlyArray<ResolversTypes['PageSessions']>, ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  series?: Resolver<ReadonlyArray<ResolversTypes['SessionSeries']>, ParentType, ContextType>;
};

export interface SnapshotTokenScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['SnapshotToken'], any> {
  name: 'SnapshotToken';
}

export type StickinessResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Stickiness'] = ResolversParentTypes['Stickiness']> = {
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  persons?: Resolver<ReadonlyArray<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type SubscriptionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  liveEvents?: SubscriptionResolver<ResolversTypes['LiveEvents'], "liveEvents", ParentType, ContextType, Partial<SubscriptionLiveEventsArgs>>;
  trendChanges?: SubscriptionResolver<ResolversTypes['TrendChange'], "trendChanges", ParentType, ContextType, RequireFields<SubscriptionTrendChangesArgs, 'input'>>;
};

export type TopValueResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TopValue'] = ResolversParentTypes['TopValue']> = {
  events?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  isNone?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  isOther?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  persons?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  share?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  value?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type TopValuesResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TopValues'] = ResolversParentTypes['TopValues']> = {
  distinct?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  events?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  persons?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  values?: Resolver<ReadonlyArray<ResolversTypes['TopValue']>, ParentType, ContextType>;
};

export type TrackBatchPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrackBatchPayload'] = ResolversParentTypes['TrackBatchPayload']> = {
  accepted?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  rejected?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  results?: Resolver<ReadonlyArray<ResolversTypes['EventResult']>, ParentType, ContextType>;
  token?: Resolver<ResolversTypes['ConsistencyToken'], ParentType, ContextType>;
};

export type TrackPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrackPayload'] = ResolversParentTypes['TrackPayload']> = {
  result?: Resolver<ResolversTypes['EventResult'], ParentType, ContextType>;
  token?: Resolver<ResolversTypes['ConsistencyToken'], ParentType, ContextType>;
};

export type TrendResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Trend'] = ResolversParentTypes['Trend']> = {
  buckets?: Resolver<ReadonlyArray<ResolversTypes['DateTime']>, ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  series?: Resolver<ReadonlyArray<ResolversTypes['TrendSeries']>, ParentType, ContextType>;
};

export type TrendBucketChangesResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrendBucketChanges'] = ResolversParentTypes['TrendBucketChanges']> = {
  buckets?: Resolver<ReadonlyArray<ResolversTypes['DateTime']>, ParentType, ContextType>;
  total?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  values?: Resolver<ReadonlyArray<Maybe<ResolversTypes['Float']>>, ParentType, ContextType>;
};

export type TrendChangeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrendChange'] = ResolversParentTypes['TrendChange']> = {
  buckets?: Resolver<Maybe<ReadonlyArray<ResolversTypes['DateTime']>>, ParentType, ContextType>;
  gone?: Resolver<ReadonlyArray<ResolversTypes['TrendLineName']>, ParentType, ContextType>;
  isWhole?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  meta?: Resolver<ResolversTypes['ReportMeta'], ParentType, ContextType>;
  previousBuckets?: Resolver<Maybe<ReadonlyArray<ResolversTypes['DateTime']>>, ParentType, ContextType>;
  series?: Resolver<ReadonlyArray<ResolversTypes['TrendLineChange']>, ParentType, ContextType>;
};

export type TrendLineChangeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrendLineChange'] = ResolversParentTypes['TrendLineChange']> = {
  breakdown?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  buckets?: Resolver<ReadonlyArray<ResolversTypes['DateTime']>, ParentType, ContextType>;
  isOther?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  key?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  label?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  letter?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  place?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  previous?: Resolver<Maybe<ResolversTypes['TrendBucketChanges']>, ParentType, ContextType>;
  total?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  values?: Resolver<ReadonlyArray<Maybe<ResolversTypes['Float']>>, ParentType, ContextType>;
};

export type TrendLineNameResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrendLineName'] = ResolversParentTypes['TrendLineName']> = {
  breakdown?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  isOther?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  key?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  label?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  letter?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type TrendSeriesResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrendSeries'] = ResolversParentTypes['TrendSeries']> = {
  breakdown?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  isOther?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  label?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  letter?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  previous?: Resolver<Maybe<ResolversTypes['TrendSeriesComparison']>, ParentType, ContextType>;
  total?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  values?: Resolver<ReadonlyArray<Maybe<ResolversTypes['Float']>>, ParentType, ContextType>;
};

export type TrendSeriesComparisonResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrendSeriesComparison'] = ResolversParentTypes['TrendSeriesComparison']> = {
  buckets?: Resolver<ReadonlyArray<ResolversTypes['DateTime']>, ParentType, ContextType>;
  total?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  values?: Resolver<ReadonlyArray<Maybe<ResolversTypes['Float']>>, ParentType, ContextType>;
};

export type Resolvers<ContextType = Context> = {
  Catalog?: CatalogResolvers<ContextType>;
  CatalogEvent?: CatalogEventResolvers<ContextType>;
  CatalogProperty?: CatalogPropertyResolvers<ContextType>;
  Cohort?: CohortResolvers<ContextType>;
  CohortPeople?: CohortPeopleResolvers<ContextType>;
  CohortPerson?: CohortPersonResolvers<ContextType>;
  CohortPersonEdge?: CohortPersonEdgeResolvers<ContextType>;
  CohortVersion?: CohortVersionResolvers<ContextType>;
  ConsistencyToken?: GraphQLScalarType;
  DateTime?: GraphQLScalarType;
  DeadLetter?: DeadLetterResolvers<ContextType>;
  DeadLetterConnection?: DeadLetterConnectionResolvers<ContextType>;
  DeadLetterEdge?: DeadLetterEdgeResolvers<ContextType>;
  DeadLetterReason?: DeadLetterReasonResolvers<ContextType>;
  Deletion?: DeletionResolvers<ContextType>;
  EntityReports?: EntityReportsResolvers<ContextType>;
  Event?: EventResolvers<ContextType>;
  EventConnection?: EventConnectionResolvers<ContextType>;
  EventEdge?: EventEdgeResolvers<ContextType>;
  EventError?: EventErrorResolvers<ContextType>;
  EventResult?: EventResultResolvers<ContextType>;
  EventTrace?: EventTraceResolvers<ContextType>;
  FieldPrice?: FieldPriceResolvers<ContextType>;
  Funnel?: FunnelResolvers<ContextType>;
  FunnelBreakdown?: FunnelBreakdownResolvers<ContextType>;
  FunnelPeople?: FunnelPeopleResolvers<ContextType>;
  FunnelPerson?: FunnelPersonResolvers<ContextType>;
  FunnelPersonEdge?: FunnelPersonEdgeResolvers<ContextType>;
  FunnelStep?: FunnelStepResolvers<ContextType>;
  FunnelTrendPoint?: FunnelTrendPointResolvers<ContextType>;
  Ingestion?: IngestionResolvers<ContextType>;
  JSONObject?: GraphQLScalarType;
  JSONValue?: GraphQLScalarType;
  LedgerBucket?: LedgerBucketResolvers<ContextType>;
  LedgerCount?: LedgerCountResolvers<ContextType>;
  LedgerKey?: LedgerKeyResolvers<ContextType>;
  Lifecycle?: LifecycleResolvers<ContextType>;
  Live?: LiveResolvers<ContextType>;
  LiveCounts?: LiveCountsResolvers<ContextType>;
  LiveEvents?: LiveEventsResolvers<ContextType>;
  LiveMinute?: LiveMinuteResolvers<ContextType>;
  LiveName?: LiveNameResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  PageSessions?: PageSessionsResolvers<ContextType>;
  PartitionLag?: PartitionLagResolvers<ContextType>;
  PathLink?: PathLinkResolvers<ContextType>;
  PathNode?: PathNodeResolvers<ContextType>;
  Paths?: PathsResolvers<ContextType>;
  Person?: PersonResolvers<ContextType>;
  PersonDeletion?: PersonDeletionResolvers<ContextType>;
  Price?: PriceResolvers<ContextType>;
  PriceChange?: PriceChangeResolvers<ContextType>;
  PriceSuggestion?: PriceSuggestionResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  ReportMeta?: ReportMetaResolvers<ContextType>;
  Retention?: RetentionResolvers<ContextType>;
  RetentionCohort?: RetentionCohortResolvers<ContextType>;
  RetentionPeople?: RetentionPeopleResolvers<ContextType>;
  RetentionPerson?: RetentionPersonResolvers<ContextType>;
  RetentionPersonEdge?: RetentionPersonEdgeResolvers<ContextType>;
  SavedReport?: SavedReportResolvers<ContextType>;
  SavedReportAnswer?: SavedReportAnswerResolvers<ContextType>;
  SavedReportError?: SavedReportErrorResolvers<ContextType>;
  SavedReportVariable?: SavedReportVariableResolvers<ContextType>;
  SavedReportVersion?: SavedReportVersionResolvers<ContextType>;
  SessionFigures?: SessionFiguresResolvers<ContextType>;
  SessionSeries?: SessionSeriesResolvers<ContextType>;
  Sessions?: SessionsResolvers<ContextType>;
  SnapshotToken?: GraphQLScalarType;
  Stickiness?: StickinessResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  TopValue?: TopValueResolvers<ContextType>;
  TopValues?: TopValuesResolvers<ContextType>;
  TrackBatchPayload?: TrackBatchPayloadResolvers<ContextType>;
  TrackPayload?: TrackPayloadResolvers<ContextType>;
  Trend?: TrendResolvers<ContextType>;
  TrendBucketChanges?: TrendBucketChangesResolvers<ContextType>;
  TrendChange?: TrendChangeResolvers<ContextType>;
  TrendLineChange?: TrendLineChangeResolvers<ContextType>;
  TrendLineName?: TrendLineNameResolvers<ContextType>;
  TrendSeries?: TrendSeriesResolvers<ContextType>;
  TrendSeriesComparison?: TrendSeriesComparisonResolvers<ContextType>;
};

