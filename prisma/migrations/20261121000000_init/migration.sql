-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "outcome" AS ENUM ('ORDERED', 'REJECTED');

-- CreateEnum
CREATE TYPE "rejection_reason" AS ENUM ('SOLD_OUT', 'EXPIRED', 'NOT_ELIGIBLE');

-- CreateEnum
CREATE TYPE "order_status" AS ENUM ('PENDING_PAYMENT', 'PAID', 'CANCELLED', 'REFUNDED');

-- CreateEnum
CREATE TYPE "saga_state" AS ENUM ('RUNNING', 'DONE', 'COMPENSATING', 'COMPENSATED');

-- CreateEnum
CREATE TYPE "coupon_status" AS ENUM ('AVAILABLE', 'LOCKED', 'USED');

-- CreateEnum
CREATE TYPE "coupon_step" AS ENUM ('LOCKED', 'REFUSED', 'USED', 'RETURNED');

-- CreateEnum
CREATE TYPE "points_step" AS ENUM ('GIVEN', 'DEDUCTED', 'GRANTED', 'RETURNED', 'CARRIED_OVER');

-- CreateTable
CREATE TABLE "sales" (
    "id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "price_cents" INTEGER NOT NULL,
    "stock" INTEGER NOT NULL,
    "sold" INTEGER NOT NULL DEFAULT 0,
    "returned" INTEGER NOT NULL DEFAULT 0,
    "per_buyer_limit" INTEGER NOT NULL DEFAULT 1,
    "shards" INTEGER NOT NULL DEFAULT 1,
    "opens_at" TIMESTAMPTZ(3) NOT NULL,
    "closes_at" TIMESTAMPTZ(3) NOT NULL,
    "earliest_opens_at" TIMESTAMPTZ(3),
    "latest_closes_at" TIMESTAMPTZ(3),
    "epoch" INTEGER NOT NULL DEFAULT 0,
    "fenced_epoch" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sales_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "blacklist" (
    "buyer_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "blacklist_pkey" PRIMARY KEY ("buyer_id")
);

-- CreateTable
CREATE TABLE "decisions" (
    "reservation_id" TEXT NOT NULL,
    "sale_id" TEXT NOT NULL,
    "buyer_id" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL,
    "limit_per_buyer" INTEGER,
    "live_units_before" INTEGER NOT NULL,
    "purchase_key" TEXT,
    "outcome" "outcome" NOT NULL,
    "reason" "rejection_reason",
    "reserved_at" TIMESTAMPTZ(3) NOT NULL,
    "decided_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "decisions_pkey" PRIMARY KEY ("reservation_id")
);

-- CreateTable
CREATE TABLE "orders" (
    "id" UUID NOT NULL,
    "reservation_id" TEXT NOT NULL,
    "sale_id" TEXT NOT NULL,
    "buyer_id" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL,
    "amount_cents" INTEGER NOT NULL,
    "coupon_code" TEXT,
    "points" INTEGER NOT NULL DEFAULT 0,
    "status" "order_status" NOT NULL DEFAULT 'PENDING_PAYMENT',
    "sequence" INTEGER NOT NULL DEFAULT 1,
    "payment_deadline" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "paid_at" TIMESTAMPTZ(3),
    "cancelled_at" TIMESTAMPTZ(3),
    "refunded_at" TIMESTAMPTZ(3),
    "end_reason" TEXT,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "orders_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payments" (
    "id" UUID NOT NULL,
    "order_id" UUID NOT NULL,
    "amount_cents" INTEGER NOT NULL,
    "provider_ref" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "received_at" TIMESTAMPTZ(3),

    CONSTRAINT "payments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refunds" (
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "amount_cents" INTEGER NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "refunds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sagas" (
    "order_id" UUID NOT NULL,
    "sale_id" TEXT NOT NULL,
    "state" "saga_state" NOT NULL DEFAULT 'RUNNING',
    "step" TEXT NOT NULL,
    "reason" TEXT,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "due_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sagas_pkey" PRIMARY KEY ("order_id")
);

-- CreateTable
CREATE TABLE "outbox" (
    "id" BIGSERIAL NOT NULL,
    "size" INTEGER NOT NULL,
    "messages" JSON NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "refused_at" TIMESTAMPTZ(3),

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "subscriptions" (
    "name" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "partitions" INTEGER NOT NULL DEFAULT 1,
    "remembers_from" TIMESTAMPTZ(3),
    "spread_over" INTEGER,
    "follows" TEXT NOT NULL DEFAULT 'orders',
    "entered" TEXT[],

    CONSTRAINT "subscriptions_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "subscriber_processes" (
    "id" UUID NOT NULL,
    "subscriber" TEXT NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "subscriber_processes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "inbox" (
    "purpose" TEXT NOT NULL,
    "order_id" UUID NOT NULL,
    "sequence" INTEGER NOT NULL,
    "event_id" UUID NOT NULL,
    "handled_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "inbox_pkey" PRIMARY KEY ("purpose","order_id","sequence")
);

-- CreateTable
CREATE TABLE "coupons" (
    "code" TEXT NOT NULL,
    "buyer_id" TEXT,
    "status" "coupon_status" NOT NULL DEFAULT 'AVAILABLE',
    "discount_cents" INTEGER NOT NULL DEFAULT 0,
    "order_id" UUID,

    CONSTRAINT "coupons_pkey" PRIMARY KEY ("code")
);

-- CreateTable
CREATE TABLE "coupon_entries" (
    "id" BIGSERIAL NOT NULL,
    "code" TEXT NOT NULL,
    "order_id" UUID NOT NULL,
    "sale_id" TEXT NOT NULL,
    "event_id" UUID NOT NULL,
    "step" "coupon_step" NOT NULL,
    "off_cents" INTEGER NOT NULL DEFAULT 0,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "coupon_entries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "points_entries" (
    "id" BIGSERIAL NOT NULL,
    "buyer_id" TEXT NOT NULL,
    "order_id" UUID,
    "sale_id" TEXT,
    "event_id" UUID,
    "step" "points_step" NOT NULL,
    "points" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "points_entries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "risk_reviews" (
    "id" BIGSERIAL NOT NULL,
    "order_id" UUID NOT NULL,
    "sale_id" TEXT NOT NULL,
    "event_id" UUID NOT NULL,
    "buyer_id" TEXT NOT NULL,
    "paid_at" TIMESTAMPTZ(3) NOT NULL,
    "rules" TEXT[],
    "reviewed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "risk_reviews_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sale_seconds" (
    "sale_id" TEXT NOT NULL,
    "second" TIMESTAMPTZ(0) NOT NULL,
    "created" INTEGER NOT NULL DEFAULT 0,
    "paid" INTEGER NOT NULL DEFAULT 0,
    "cancelled" INTEGER NOT NULL DEFAULT 0,
    "refunded" INTEGER NOT NULL DEFAULT 0,
    "rejected" INTEGER NOT NULL DEFAULT 0,
    "revenue_cents" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "sale_seconds_pkey" PRIMARY KEY ("sale_id","second")
);

-- CreateTable
CREATE TABLE "sale_totals" (
    "sale_id" TEXT NOT NULL,
    "created" INTEGER NOT NULL DEFAULT 0,
    "paid" INTEGER NOT NULL DEFAULT 0,
    "cancelled" INTEGER NOT NULL DEFAULT 0,
    "refunded" INTEGER NOT NULL DEFAULT 0,
    "rejected" INTEGER NOT NULL DEFAULT 0,
    "revenue_cents" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "sale_totals_pkey" PRIMARY KEY ("sale_id")
);

-- CreateIndex
CREATE INDEX "sales_closes_at_id_idx" ON "sales"("closes_at", "id");

-- CreateIndex
CREATE INDEX "sales_opens_at_id_idx" ON "sales"("opens_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "orders_reservation_id_key" ON "orders"("reservation_id");

-- CreateIndex
CREATE UNIQUE INDEX "payments_order_id_key" ON "payments"("order_id");

-- CreateIndex
CREATE UNIQUE INDEX "payments_provider_ref_key" ON "payments"("provider_ref");

-- CreateIndex
CREATE UNIQUE INDEX "refunds_payment_id_key" ON "refunds"("payment_id");

-- CreateIndex
CREATE INDEX "sagas_state_due_at_idx" ON "sagas"("state", "due_at");

-- CreateIndex
CREATE INDEX "subscriber_processes_subscriber_idx" ON "subscriber_processes"("subscriber");

-- CreateIndex
CREATE INDEX "inbox_handled_at_idx" ON "inbox"("handled_at");

-- CreateIndex
CREATE INDEX "coupon_entries_order_id_idx" ON "coupon_entries"("order_id");

-- CreateIndex
CREATE INDEX "points_entries_order_id_idx" ON "points_entries"("order_id");

-- CreateIndex
CREATE INDEX "points_entries_buyer_id_idx" ON "points_entries"("buyer_id");

-- CreateIndex
CREATE INDEX "risk_reviews_order_id_idx" ON "risk_reviews"("order_id");

-- CreateIndex
CREATE INDEX "risk_reviews_buyer_id_paid_at_idx" ON "risk_reviews"("buyer_id", "paid_at");

-- AddForeignKey
ALTER TABLE "payments" ADD CONSTRAINT "payments_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payments"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What Prisma's schema language cannot say follows by hand.

-- The last guard against overselling: the counter stays within the stock even if a service miscounts.
ALTER TABLE "sales" ADD CONSTRAINT "sales_sold_within_stock" CHECK ("sold" BETWEEN 0 AND "stock");
ALTER TABLE "sales" ADD CONSTRAINT "sales_window" CHECK ("opens_at" < "closes_at");
ALTER TABLE "sales" ADD CONSTRAINT "sales_shards" CHECK ("shards" BETWEEN 1 AND 64);
-- The price of one order fits its column, and sums over a whole sale are exact in JavaScript.
ALTER TABLE "sales" ADD CONSTRAINT "sales_price" CHECK (
  "price_cents" >= 0
  AND "price_cents"::bigint * "per_buyer_limit" <= 2147483647
  AND "price_cents"::bigint * "stock" <= 9007199254740991
);
ALTER TABLE "orders" ADD CONSTRAINT "orders_quantity" CHECK ("quantity" > 0);
ALTER TABLE "orders" ADD CONSTRAINT "orders_amount" CHECK ("amount_cents" >= 0);
ALTER TABLE "orders" ADD CONSTRAINT "orders_points" CHECK ("points" >= 0);
ALTER TABLE "coupons" ADD CONSTRAINT "coupons_discount" CHECK ("discount_cents" >= 0);
ALTER TABLE "decisions" ADD CONSTRAINT "decisions_reason" CHECK (("outcome" = 'REJECTED') = ("reason" IS NOT NULL));
-- The last guard of the limit per buyer: the statement that writes a decision counts anew what its buyer has.
ALTER TABLE "decisions" ADD CONSTRAINT "decisions_within_limit" CHECK (
  "outcome" = 'REJECTED' OR "live_units_before" + "quantity" <= coalesce("limit_per_buyer", 0)
);
-- The audit counts messages by size.
ALTER TABLE "outbox" ADD CONSTRAINT "outbox_size" CHECK ("size" > 0);

-- Every decision adds up the live units of its buyer.
CREATE INDEX "orders_live_of_buyer" ON "orders"("sale_id", "buyer_id") WHERE "status" IN ('PENDING_PAYMENT', 'PAID');

-- The sweepers read these; all stay small.
CREATE INDEX "orders_unpaid" ON "orders"("payment_deadline") WHERE "status" = 'PENDING_PAYMENT';
CREATE INDEX "orders_unsettled" ON "orders"(coalesce("refunded_at", "cancelled_at", "paid_at")) WHERE "status" IN ('PAID', 'CANCELLED', 'REFUNDED') AND "settled_at" IS NULL;
CREATE INDEX "refunds_open" ON "refunds"("requested_at") WHERE "completed_at" IS NULL;

-- Ended sales move here, with everything that belongs to them. Each table has the columns of its partner, in their
-- order: rows move as they are, and with the search path "archive, public" every query of the live tables reads these.
CREATE SCHEMA "archive";
CREATE TABLE "archive"."sales" (LIKE "public"."sales" INCLUDING ALL);
CREATE TABLE "archive"."decisions" (LIKE "public"."decisions" INCLUDING ALL);
CREATE TABLE "archive"."orders" (LIKE "public"."orders" INCLUDING ALL);
CREATE TABLE "archive"."payments" (LIKE "public"."payments" INCLUDING ALL);
CREATE TABLE "archive"."refunds" (LIKE "public"."refunds" INCLUDING ALL);
CREATE TABLE "archive"."sagas" (LIKE "public"."sagas" INCLUDING ALL);
CREATE TABLE "archive"."inbox" (LIKE "public"."inbox" INCLUDING ALL);
CREATE TABLE "archive"."coupon_entries" (LIKE "public"."coupon_entries" INCLUDING ALL);
CREATE TABLE "archive"."points_entries" (LIKE "public"."points_entries" INCLUDING ALL);
CREATE TABLE "archive"."risk_reviews" (LIKE "public"."risk_reviews" INCLUDING ALL);
CREATE TABLE "archive"."sale_seconds" (LIKE "public"."sale_seconds" INCLUDING ALL);
CREATE TABLE "archive"."sale_totals" (LIKE "public"."sale_totals" INCLUDING ALL);

-- The only column that a table has more of here: null while rows of the sale are still in the live tables.
ALTER TABLE "archive"."sales" ADD COLUMN "archived_at" TIMESTAMPTZ(3);

-- An archived sale is audited by itself, among all that there ever were.
CREATE INDEX "decisions_of_sale" ON "archive"."decisions"("sale_id");
CREATE INDEX "orders_of_sale" ON "archive"."orders"("sale_id");
CREATE INDEX "sagas_of_sale" ON "archive"."sagas"("sale_id");
CREATE INDEX "coupon_entries_of_sale" ON "archive"."coupon_entries"("sale_id");
CREATE INDEX "points_entries_of_sale" ON "archive"."points_entries"("sale_id");
CREATE INDEX "risk_reviews_of_sale" ON "archive"."risk_reviews"("sale_id");
