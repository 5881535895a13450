-- CreateEnum
CREATE TYPE "coupon_status" AS ENUM ('AVAILABLE', 'LOCKED', 'USED');

-- CreateEnum
CREATE TYPE "coupon_step" AS ENUM ('LOCKED', 'REFUSED', 'USED', 'RETURNED');

-- AlterTable
ALTER TABLE "orders" ADD COLUMN     "coupon_code" TEXT;

-- CreateTable
CREATE TABLE "subscriptions" (
    "name" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "subscriptions_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "order_progress" (
    "subscriber" TEXT NOT NULL,
    "order_id" UUID NOT NULL,
    "sequence" INTEGER NOT NULL,

    CONSTRAINT "order_progress_pkey" PRIMARY KEY ("subscriber","order_id")
);

-- CreateTable
CREATE TABLE "inbox" (
    "purpose" TEXT NOT NULL,
    "event_id" UUID NOT NULL,
    "order_id" UUID,
    "sequence" INTEGER NOT NULL,
    "handled_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "inbox_pkey" PRIMARY KEY ("purpose","event_id")
);

-- CreateTable
CREATE TABLE "coupons" (
    "code" TEXT NOT NULL,
    "buyer_id" TEXT,
    "status" "coupon_status" NOT NULL DEFAULT 'AVAILABLE',
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
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "coupon_entries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "points_entries" (
    "id" BIGSERIAL NOT NULL,
    "buyer_id" TEXT NOT NULL,
    "order_id" UUID NOT NULL,
    "sale_id" TEXT NOT NULL,
    "event_id" UUID NOT NULL,
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
CREATE INDEX "inbox_order_id_idx" ON "inbox"("order_id");

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


-- What still waits in the outbox goes out in the events' new version.
UPDATE "outbox" SET "messages" = (
  SELECT json_agg(CASE WHEN entry ->> 'destination' <> 'events' THEN entry ELSE jsonb_set(entry, '{message}', entry -> 'message' || jsonb_build_object(
    'v', 2, 'couponCode', NULL, 'amountCents', coalesce("amount_cents", 0),
    'orderedAt', coalesce(to_char("created_at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), entry -> 'message' ->> 'at'),
    'traceparent', format('00-%s-%s-01', replace(coalesce(entry -> 'message' ->> 'orderId', entry -> 'message' ->> 'eventId'), '-', ''),
      left(replace(entry -> 'message' ->> 'eventId', '-', ''), 16))
  )) END ORDER BY place)
  FROM jsonb_array_elements("messages"::jsonb) WITH ORDINALITY AS messages (entry, place)
  LEFT JOIN "orders" ON "orders"."id" = (entry -> 'message' ->> 'orderId')::uuid
);
