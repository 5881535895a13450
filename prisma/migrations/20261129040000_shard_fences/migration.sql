-- AlterTable
ALTER TABLE "sales" ADD COLUMN     "shard_fences" INTEGER[] DEFAULT ARRAY[]::INTEGER[];

-- What Prisma's schema language cannot say follows by hand.

ALTER TABLE "sales" ALTER COLUMN "shard_fences" SET NOT NULL;

-- The columns of "archive" are in the order of their partners, and archived_at stays the last.
ALTER TABLE "archive"."sales" RENAME COLUMN "archived_at" TO "archived_before";
ALTER TABLE "archive"."sales" ADD COLUMN "shard_fences" INTEGER[] NOT NULL DEFAULT ARRAY[]::INTEGER[],
ADD COLUMN "archived_at" TIMESTAMPTZ(3);
UPDATE "archive"."sales" SET "archived_at" = "archived_before";
ALTER TABLE "archive"."sales" DROP COLUMN "archived_before";
