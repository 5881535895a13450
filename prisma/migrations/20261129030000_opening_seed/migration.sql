-- AlterTable
ALTER TABLE "sales" ADD COLUMN     "opening_seed" TEXT NOT NULL DEFAULT replace((gen_random_uuid())::text || (gen_random_uuid())::text, '-'::text, ''::text);

-- What Prisma's schema language cannot say follows by hand.

-- The columns of "archive" are in the order of their partners, and archived_at stays the last.
ALTER TABLE "archive"."sales" RENAME COLUMN "archived_at" TO "archived_before";
ALTER TABLE "archive"."sales" ADD COLUMN "opening_seed" TEXT NOT NULL DEFAULT '',
ADD COLUMN "archived_at" TIMESTAMPTZ(3);
UPDATE "archive"."sales" SET "archived_at" = "archived_before";
ALTER TABLE "archive"."sales" DROP COLUMN "archived_before";
