# Indels to the left, one ALT allele in each record. Scores do not need it; comparing them with other files does.


rule normalise:
    input:
        vcf=config["vcf"],
        fasta=config["fasta"] if config["normalise"] else [],
    output:
        "results/normalised.vcf.gz",
    log:
        "logs/normalise.log",
    conda:
        "../envs/bcftools.yaml"
    resources:
        mem_mb=2000,
        runtime=120,
    shell:
        # Records whose REF is not the genome's stay: `score` lists them with the reason. Without the version and date
        # in its header, the file has the same bytes each time.
        "(bcftools norm --no-version --check-ref w --multiallelics -any --fasta-ref {input.fasta:q} -Ou {input.vcf:q}"
        " | bcftools sort --temp-dir results/sorting.tmp -Oz -o {output:q}) 2> {log:q}"
